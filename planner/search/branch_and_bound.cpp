#include "planner/search/branch_and_bound.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "planner/search/downsets.h"
#include "planner/search/host_sets.h"
#include "planner/search/objective_bound.h"
#include "planner/search/stage_bounds.h"

namespace cadastre {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

class BranchAndBound {
 public:
  BranchAndBound(const PlanningProblem& problem, const Goal& goal,
                 const BranchAndBoundOptions& options, Incumbents& incumbents)
      : problem_(problem),
        options_(options),
        incumbents_(incumbents),
        objective_bound_(problem, goal.objective, options.batch_size),
        downsets_(enumerate_downsets(problem.training.model(), options.max_downsets)),
        host_sets_(problem.cluster, problem.all_reduce) {
    for (const Host& host : problem.cluster.hosts) all_speed_ += host.relative_speed;
  }

  BranchAndBoundResult run() {
    if (!downsets_.complete || !host_sets_.complete()) return {.complete = false, .least_open = 0};
    // Few micro-batches first: their bounds are cheap, and what they rule out they rule out soon.
    std::vector<std::int64_t> counts = options_.micro_batches;
    std::sort(counts.begin(), counts.end());
    for (const std::int64_t micro_batches : counts) {
      StageBounds bounds(problem_, objective_bound_.table(), downsets_,
                         objective_bound_.one_sample() ? 1 : options_.batch_size,
                         objective_bound_.one_sample() ? 1 : micro_batches,
                         options_.batch_size / micro_batches);
      bounds_ = &bounds;
      micro_batches_ = micro_batches;
      for (const bool interleaved : {false, true}) {
        interleaved_ = interleaved;
        if (interleaved && problem_.cluster.hosts.size() < 2) continue;
        stages_.clear();
        uses_.assign(problem_.cluster.hosts.size(), 0);
        loads_s_.assign(problem_.cluster.hosts.size(), 0);
        extend(0, {}, 0);
      }
    }
    bounds_ = nullptr;
    return {.complete = !stopped_, .least_open = least_open_};
  }

 private:
  struct Child {
    PlacedStage stage;
    std::vector<std::vector<StageChain>> chains;
    double step_bound_s = 0;
    double value_bound = 0;
  };

  /// `num_bounds` that are to be worked out next.
  [[nodiscard]] bool stop(std::size_t num_bounds) {
    // The clock costs more than a bound does.
    constexpr std::size_t kAskEvery = 512;
    num_unasked_ += num_bounds;
    if (!stopped_ && num_unasked_ >= kAskEvery) {
      num_unasked_ = 0;
      stopped_ = options_.stop();
    }
    return stopped_;
  }

  /// Of plans that are the same up to the order of stages that do not depend on each other, only
  /// the one is looked at in which such neighbours come in the order of their first layers. (The
  /// order is part of an interleaved plan.)
  [[nodiscard]] bool in_order(const PlacedStage& stage) const {
    if (interleaved_ || stages_.empty()) return true;
    const PlacedStage& before = stages_.back();
    if (bounds_->depends(stage, before)) return true;
    const auto first_layer = [&](const PlacedStage& s) {
      return downsets_.sets[s.upto].without(downsets_.sets[s.below]).front();
    };
    return first_layer(before) < first_layer(stage);
  }

  /// The host sets that the next stage may be on.
  [[nodiscard]] std::vector<std::vector<int>> choices() const {
    std::vector<bool> used(uses_.size());
    for (std::size_t h = 0; h < uses_.size(); ++h) used[h] = uses_[h] > 0;
    std::vector<std::vector<int>> sets = host_sets_.choices(used);
    if (!interleaved_) return sets;
    std::erase_if(sets, [](const std::vector<int>& hosts) { return hosts.size() > 1; });
    const int before = stages_.empty() ? -1 : stages_.back().hosts.front();
    // Two stages in a row on one host are one stage.
    std::erase_if(sets, [&](const std::vector<int>& hosts) { return hosts.front() == before; });
    for (std::size_t h = 0; h < uses_.size(); ++h)
      if (uses_[h] > 0 && uses_[h] < kMostStagesOfHost && static_cast<int>(h) != before)
        sets.push_back({static_cast<int>(h)});
    return sets;
  }

  /// What is left for the stages after one on `hosts`: places and their speed.
  struct Left {
    double speed = 0;
    int places = 0;
  };

  [[nodiscard]] Left left_after(const std::vector<int>& hosts) const {
    Left left;
    const int most = interleaved_ ? kMostStagesOfHost : 1;
    for (std::size_t h = 0; h < uses_.size(); ++h) {
      const bool taken = std::find(hosts.begin(), hosts.end(), static_cast<int>(h)) != hosts.end();
      const int places = most - uses_[h] - (taken ? 1 : 0);
      if (places <= 0) continue;
      left.places += places;
      left.speed += problem_.cluster.hosts[h].relative_speed;
    }
    return left;
  }

  /// All the work there is, what is placed where it is and the rest shared perfectly.
  [[nodiscard]] double shared_s(const PlacedStage& stage) const {
    double work_s = bounds_->rest_work_s(stage.upto);
    for (std::size_t h = 0; h < loads_s_.size(); ++h)
      work_s += loads_s_[h] * problem_.cluster.hosts[h].relative_speed;
    for (const int host : stage.hosts)
      work_s +=
          stage.passes_s * problem_.cluster.hosts[static_cast<std::size_t>(host)].relative_speed;
    return work_s / all_speed_;
  }

  void extend(std::size_t covered, const std::vector<std::vector<StageChain>>& chains,
              double step_bound_s) {
    const std::size_t whole = downsets_.sets.size() - 1;
    if (covered == whole) {
      offer_leaf();
      return;
    }
    std::vector<Child> children;
    for (const std::vector<int>& hosts : choices()) {
      // In large clusters a node has many children: what was not looked at is open.
      if (stop(whole - covered)) {
        least_open_ = std::min(least_open_, objective_bound_.at_least(step_bound_s));
        break;
      }
      const Left left = left_after(hosts);
      const StageBounds::Placement placement = bounds_->on(hosts);
      if (!placement.possible()) continue;
      for (std::size_t upto = covered + 1; upto <= whole; ++upto) {
        if (left.places == 0 && upto != whole) continue;
        const double rest_s = upto == whole ? 0 : bounds_->rest_s(upto, left.speed);
        if (!incumbents_.improves(objective_bound_.at_least(rest_s))) continue;
        if (!downsets_.sets[upto].includes(downsets_.sets[covered])) continue;
        Child child{.stage = placement.place(covered, upto), .chains = {}};
        child.step_bound_s = std::max(
            {step_bound_s, child.stage.cycle_s, interleaved_ ? shared_s(child.stage) : rest_s});
        if (!incumbents_.improves(objective_bound_.at_least(child.step_bound_s)) ||
            !bounds_->parameters_fit(child.stage) || !in_order(child.stage))
          continue;
        child.chains = chains;
        stages_.push_back(child.stage);
        const bool last = upto == whole;
        const double way_s =
            bounds_->bound_s(stages_, last ? 0 : left.speed, last ? 0 : left.places, child.chains);
        if (!objective_bound_.steady()) child.step_bound_s = std::max(child.step_bound_s, way_s);
        child.value_bound =
            objective_bound_.of(child.step_bound_s, stages_, downsets_, interleaved_);
        stages_.pop_back();
        if (incumbents_.improves(child.value_bound)) children.push_back(std::move(child));
      }
    }
    std::stable_sort(children.begin(), children.end(),
                     [](const Child& a, const Child& b) { return a.value_bound < b.value_bound; });
    for (const Child& child : children) {
      if (!incumbents_.improves(child.value_bound)) break;
      if (stop(1)) {
        least_open_ = std::min(least_open_, child.value_bound);
        break;
      }
      stages_.push_back(child.stage);
      for (const int host : child.stage.hosts) {
        ++uses_[static_cast<std::size_t>(host)];
        loads_s_[static_cast<std::size_t>(host)] += child.stage.passes_s;
      }
      extend(child.stage.upto, child.chains, child.step_bound_s);
      for (const int host : child.stage.hosts) {
        --uses_[static_cast<std::size_t>(host)];
        loads_s_[static_cast<std::size_t>(host)] -= child.stage.passes_s;
      }
      stages_.pop_back();
    }
  }

  void offer_leaf() {
    // Without a host that has two stages, the plan is no interleaved one.
    if (interleaved_ && *std::max_element(uses_.begin(), uses_.end()) < 2) return;
    Draft draft{.stage_of_layer = std::vector<int>(problem_.training.model().num_layers(), 0),
                .stage_hosts = {}};
    for (const PlacedStage& placed : stages_) {
      downsets_.sets[placed.upto].visit_without(
          downsets_.sets[placed.below], [&](std::size_t layer) {
            draft.stage_of_layer[layer] = static_cast<int>(draft.stage_hosts.size());
          });
      draft.stage_hosts.push_back(placed.hosts);
    }
    incumbents_.offer(draft, options_.batch_size, micro_batches_);
  }

  const PlanningProblem& problem_;
  const BranchAndBoundOptions& options_;
  Incumbents& incumbents_;
  ObjectiveBound objective_bound_;
  Downsets downsets_;
  HostSets host_sets_;
  double all_speed_ = 0;

  StageBounds* bounds_ = nullptr;
  std::int64_t micro_batches_ = 1;
  bool interleaved_ = false;
  std::vector<PlacedStage> stages_;
  std::vector<int> uses_;        ///< [host] stages on it
  std::vector<double> loads_s_;  ///< [host] their passes
  double least_open_ = kInfinity;
  std::size_t num_unasked_ = 0;  ///< bounds since the clock was last asked
  bool stopped_ = false;
};

}  // namespace

BranchAndBoundResult branch_and_bound(const PlanningProblem& problem, const Goal& goal,
                                      const BranchAndBoundOptions& options,
                                      Incumbents& incumbents) {
  return BranchAndBound(problem, goal, options, incumbents).run();
}

}  // namespace cadastre
