#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "planner/search/incumbent.h"

namespace cadastre {

struct SearchOptions {
  Goal goal;
  std::int64_t batch_size = 1;
  std::vector<std::int64_t> micro_batches;  ///< numbers to try, each a divisor of the groups
  double time_limit_s = 10;
  double enough_gap = 0;       ///< the search ends when the gap is no larger
  double patience_s = 0;       ///< as `PlannerOptions::patience_s`
  std::int64_t max_steps = 0;  ///< as `PlannerOptions::max_search_steps`
  std::size_t max_downsets = 20000;
  /// Called now and then with the seconds searched so far, the best value known (minimised) and the
  /// lower bound.
  std::function<void(double searched_s, double best, double lower_bound)> on_progress = {};
};

struct SearchResult {
  std::optional<Candidate> best;      ///< none when nothing fits or keeps the constraints
  std::vector<Candidate> runners_up;  ///< the best of each other kind, best first
  std::optional<Candidate> nearest;   ///< when nothing fits: what lacks the least memory
  double lower_bound = 0;             ///< of the objective, minimised; no plan is below it
  bool proven = false;                ///< there is no better plan, or no plan at all
  double search_s = 0;
  std::int64_t num_evaluated = 0;  ///< plans whose program was evaluated
};

/// Finds the best plan for the goal among: convex stages, each on any set of hosts, with shares
/// that let its replicas finish together, under GPipe and 1F1B; and interleaved plans, in which a
/// stage has one host and a host one or two stages; each with any of the numbers of micro-batches,
/// and with recomputation where a host lacks memory otherwise.
///
/// First seeds and simulated annealing on estimates (`improve`), then, where the model and the
/// cluster are small enough, branch and bound: exact when it ends. Until then the lower bound is
/// that of all the work shared perfectly, or the least over what was not looked at. `offered` are
/// plans known from elsewhere (baselines). The answer is deterministic but for where the time limit
/// ends it.
[[nodiscard]] SearchResult search_plan(const PlanningProblem& problem, const SearchOptions& options,
                                       const std::vector<Candidate>& offered);

}  // namespace cadastre
