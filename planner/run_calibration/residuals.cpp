#include "planner/run_calibration/residuals.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

namespace cadastre::run_calibration {

namespace {

// Parts of the step. A pass of a thousandth of it may be off by half and nobody minds; a wait is
// what is left over between things that take long, and is off by a part of those.
constexpr double kComputeFloor = 0.002;
constexpr double kWaitFloor = 0.1;
constexpr double kLeastSeconds = 1e-12;

/// What an instruction counts to; none of those that take no time.
std::optional<QuantityKind> quantity_kind(InstructionKind kind) {
  switch (kind) {
    case InstructionKind::kLoadMicroBatch:
      return QuantityKind::kLoading;
    case InstructionKind::kForward:
      return QuantityKind::kForward;
    case InstructionKind::kRecompute:
      return QuantityKind::kRecomputation;
    case InstructionKind::kBackward:
      return QuantityKind::kBackward;
    case InstructionKind::kOptimizerStep:
      return QuantityKind::kOptimizer;
    case InstructionKind::kReceiveActivation:
    case InstructionKind::kReceiveGradient:
      return QuantityKind::kTransferWait;
    case InstructionKind::kReduceGradients:
      return QuantityKind::kReductionWait;
    case InstructionKind::kSendActivation:
    case InstructionKind::kSendGradient:
      return QuantityKind::kSending;
    case InstructionKind::kStartReduction:
      return std::nullopt;
  }
  return std::nullopt;
}

bool is_wait(QuantityKind kind) {
  return kind == QuantityKind::kTransferWait || kind == QuantityKind::kReductionWait;
}

/// [kind] seconds of a rank.
using RankSums = std::array<double, kNumQuantityKinds>;

std::vector<RankSums> sums_by_rank(const Timeline& timeline) {
  std::vector<RankSums> sums(timeline.ranks.size(), RankSums{});
  for (const TimelineEvent& event : timeline.events)
    if (const auto kind = quantity_kind(event.kind))
      sums[static_cast<std::size_t>(event.rank)][static_cast<std::size_t>(*kind)] +=
          event.end_s - event.start_s;
  return sums;
}

/// The kinds that a rank's program has; what one of its stages hands another is none.
std::array<bool, kNumQuantityKinds> kinds_of(const Program& program, std::size_t rank) {
  std::array<bool, kNumQuantityKinds> has{};
  for (const Instruction& instruction : program.ranks[rank].instructions) {
    const auto kind = quantity_kind(instruction.kind);
    if (!kind) continue;
    const bool is_handed_over = (is_receive(instruction.kind) || is_send(instruction.kind)) &&
                                instruction.peer == static_cast<int>(rank);
    if (!is_handed_over) has[static_cast<std::size_t>(*kind)] = true;
  }
  return has;
}

}  // namespace

Residuals::Residuals(const std::vector<MeasuredRun>& runs, std::vector<std::size_t> profile_of_run)
    : runs_(&runs), profile_of_run_(std::move(profile_of_run)) {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const MeasuredRun& run = runs[i];
    models_.emplace_back(run);
    first_.push_back(quantities_.size());
    quantities_.push_back(
        {.run = i, .kind = QuantityKind::kStep, .rank = 0, .measured_s = run.step_s, .floor_s = 0});
    const std::vector<RankSums> sums = sums_by_rank(run.timeline);
    for (std::size_t r = 0; r < sums.size(); ++r) {
      const std::array<bool, kNumQuantityKinds> has = kinds_of(run.program, r);
      for (std::size_t k = 0; k < kNumQuantityKinds; ++k) {
        if (!has[k]) continue;
        const auto kind = static_cast<QuantityKind>(k);
        // One measured step either averages parameters or does not; the cost model's does a part.
        if (kind == QuantityKind::kReductionWait && run.program.averaging_period > 0) continue;
        const double floor = is_wait(kind) ? kWaitFloor : kComputeFloor;
        quantities_.push_back({.run = i,
                               .kind = kind,
                               .rank = r,
                               .measured_s = sums[r][k],
                               .floor_s = floor * run.step_s});
      }
    }
  }
  first_.push_back(quantities_.size());
}

std::vector<double> Residuals::at(const Constants& constants) const {
  std::vector<double> residuals(quantities_.size(), 0);
  for (std::size_t run = 0; run < runs_->size(); ++run) evaluate_run(run, constants, residuals);
  return residuals;
}

std::vector<double> Residuals::at(const Constants& constants, const Parameter& changed,
                                  const std::vector<double>& known) const {
  std::vector<double> residuals = known;
  for (std::size_t run = 0; run < runs_->size(); ++run)
    if (matters(changed, run)) evaluate_run(run, constants, residuals);
  return residuals;
}

void Residuals::evaluate_run(std::size_t run, const Constants& constants,
                             std::vector<double>& residuals) const {
  const Timeline timeline = models_[run].step(constants, profile_of_run_[run]);
  const std::vector<RankSums> sums = sums_by_rank(timeline);
  for (std::size_t i = first_[run]; i < first_[run + 1]; ++i) {
    const Quantity& quantity = quantities_[i];
    const double modelled_s = quantity.kind == QuantityKind::kStep
                                  ? timeline.step_s
                                  : sums[quantity.rank][static_cast<std::size_t>(quantity.kind)];
    // A step of no length is of a plan that does nothing.
    residuals[i] = std::log((quantity.measured_s + quantity.floor_s) /
                            std::max(modelled_s + quantity.floor_s, kLeastSeconds));
  }
}

bool Residuals::matters(const Parameter& parameter, std::size_t run) const {
  switch (parameter.kind->scope) {
    case Scope::kCluster:
      return (*runs_)[run].program.ranks.size() > 1;
    case Scope::kModel:
      return profile_of_run_[run] == parameter.index;
    case Scope::kHost: {
      const std::vector<RankProgram>& ranks = (*runs_)[run].program.ranks;
      return std::any_of(ranks.begin(), ranks.end(), [&](const RankProgram& rank) {
        return static_cast<std::size_t>(rank.host_index) == parameter.index;
      });
    }
  }
  return true;
}

StartingPoint starting_point(const std::vector<MeasuredRun>& runs) {
  StartingPoint start;
  start.constants.cluster = runs.front().document.cluster;
  for (const MeasuredRun& run : runs) {
    std::vector<Profile>& profiles = start.constants.profiles;
    const auto found = std::find_if(profiles.begin(), profiles.end(), [&](const Profile& profile) {
      return profile.model == run.document.profile.model;
    });
    start.profile_of_run.push_back(static_cast<std::size_t>(found - profiles.begin()));
    if (found == profiles.end()) profiles.push_back(run.document.profile);
  }
  return start;
}

double modelled_step_s(const MeasuredRun& run, const Constants& constants, std::size_t profile) {
  return RunModel(run).step(constants, profile).step_s;
}

}  // namespace cadastre::run_calibration
