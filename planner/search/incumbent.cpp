#include "planner/search/incumbent.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

namespace cadastre {

std::string kind_of(const Division& division, const ModelFacts& model) {
  if (division.schedule == Schedule::kInterleaved) return "interleaved";
  if (division.stages.size() == 1)
    return division.stages.front().hosts.size() == 1 ? "single" : "data-parallel";
  if (std::any_of(division.stages.begin(), division.stages.end(),
                  [](const DividedStage& stage) { return stage.hosts.size() > 1; }))
    return "hybrid";
  std::set<std::pair<int, int>> edges;
  for (std::size_t i = 0; i < model.num_layers(); ++i)
    for (const int reader : model.read_by[i]) {
      const int from = division.stage_of_layer[i];
      const int to = division.stage_of_layer[static_cast<std::size_t>(reader)];
      if (from != to) edges.emplace(from, to);
    }
  for (int s = 0; s + 1 < static_cast<int>(division.stages.size()); ++s)
    if (!edges.contains({s, s + 1})) return "branch";
  return "pipeline";
}

std::int64_t lacking_bytes(const Prediction& predicted, const Cluster& cluster) {
  std::int64_t most = 0;
  for (const HostPrediction& host : predicted.hosts)
    most = std::max(
        most,
        host.peak_memory_bytes -
            cluster.hosts[static_cast<std::size_t>(host_index(cluster, host.host))].memory_bytes);
  return most;
}

namespace {

/// Of the limits that the candidate misses, the part by which it misses one most.
double greatest_excess(const Candidate& candidate, const Goal& goal) {
  double greatest = 0;
  for (const Constraint& constraint : goal.constraints) {
    const double value = minimised(
        constraint.objective,
        objective_value(candidate.predicted, constraint.objective, candidate.division.batch_size));
    const double limit = minimised(constraint.objective, constraint.limit);
    if (value > limit)
      greatest =
          std::max(greatest, limit > 0 ? value / limit - 1 : std::numeric_limits<double>::max());
  }
  return greatest;
}

}  // namespace

double Incumbents::value() const {
  return best_ ? best_->value : std::numeric_limits<double>::infinity();
}

bool Incumbents::improves(double value) const {
  return !best_ || value < best_->value * (1 - kTolerance);
}

bool Incumbents::offer(const Draft& draft, std::int64_t batch_size, std::int64_t micro_batches) {
  bool improved = false;
  for (LoweredDivision& lowered : complete(draft, batch_size, micro_batches, goal_, problem_))
    if (offer(evaluate(std::move(lowered), goal_, problem_))) improved = true;
  return improved;
}

bool Incumbents::offer(Candidate candidate) {
  ++num_evaluated_;
  if (!acceptable(candidate, goal_)) {
    const std::int64_t lacking = lacking_bytes(candidate.predicted, problem_.cluster);
    const double excess = greatest_excess(candidate, goal_);
    if (!least_lacking_ ||
        std::pair(lacking, excess) < std::pair(least_lacking_bytes_, least_excess_)) {
      least_lacking_bytes_ = lacking;
      least_excess_ = excess;
      least_lacking_ = std::move(candidate);
    }
    return false;
  }
  const std::string kind = kind_of(candidate.division, problem_.training.model());
  const auto [known, is_new] = by_kind_.try_emplace(kind, candidate);
  if (!is_new && candidate.value < known->second.value * (1 - kTolerance))
    known->second = candidate;
  if (!improves(candidate.value)) return false;
  best_ = std::move(candidate);
  return true;
}

std::vector<Candidate> Incumbents::best_of_kinds() const {
  std::vector<Candidate> best;
  for (const auto& [kind, candidate] : by_kind_) best.push_back(candidate);
  std::stable_sort(best.begin(), best.end(),
                   [](const Candidate& a, const Candidate& b) { return a.value < b.value; });
  return best;
}

}  // namespace cadastre
