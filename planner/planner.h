#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "planner/objective.h"
#include "planner/optimizer.h"
#include "planner/plan.h"

namespace cadastre {

/// Local steps between two averagings of the baseline `parameter-averaging`, where nothing else is
/// said.
inline constexpr std::int64_t kAveragingPeriod = 10;

struct PlannerOptions {
  std::int64_t batch_size = 1;                 ///< a multiple of the model's batch-norm group
  std::string strategy = "auto";               ///< auto (the search) or one of `baseline_names()`
  std::vector<std::int64_t> micro_batches;     ///< numbers to try; empty: `micro_batch_choices`
  AllReduce all_reduce;                        ///< of every plan
  WireDtype wire_dtype = WireDtype::kFloat32;  ///< likewise
  std::int64_t averaging_period = kAveragingPeriod;  ///< steps, of `parameter-averaging`
  Optimizer optimizer;                         ///< likewise
  Objective objective = Objective::kStepTime;
  std::vector<Constraint> constraints;  ///< those on memory also limit what a host may use
  double time_limit_s = 10;             ///< of the baselines and the search
  double enough_gap = 0;                ///< the search ends when the optimality gap is no larger
  /// The search ends when this long, and twice as long as it took to the last better plan, brought
  /// no better one; 0: it never does for that.
  double patience_s = 0;
  /// The search ends after so many steps, each some 64 proposals or 512 bounds: where it ends then
  /// does not depend on the machine; 0: it never does for that.
  std::int64_t max_search_steps = 0;
  /// Without, a baseline that is asked for is planned alone, and nothing is searched.
  bool with_alternatives = true;
  /// Called now and then while the search goes on: seconds, the best value and the bound, in the
  /// objective's unit; the value is infinite while nothing acceptable is known.
  std::function<void(double searched_s, double value, double bound)> on_progress = {};
};

/// Plans `profile`'s model on `cluster`. The document's plan is the one that was asked for; its
/// alternatives are the baselines that exist, and the search's own when a baseline was asked for.
/// Where no plan fits in memory or keeps the constraints, `search.feasible` is false and the plan
/// is the one that lacks least memory: a result, not an error.
/// Throws InputError when the options do not go with the model, or the strategy with the cluster.
[[nodiscard]] PlanDocument make_plan(const Profile& profile, const Cluster& cluster,
                                     const PlannerOptions& options);

/// The plans that are best in `first` for what they are in `second`: none is better in both than
/// another. Each plan's value of `second` is below that of the plan before, which is found by
/// planning for `first` with ever stricter constraints on `second`. `num_plans` at most; each gets
/// a part of the time limit.
[[nodiscard]] std::vector<PlanDocument> pareto_front(const Profile& profile, const Cluster& cluster,
                                                     const PlannerOptions& options, Objective first,
                                                     Objective second, int num_plans);

/// How long without a better plan is enough, where nobody asked for more: measured to be about what
/// it takes to find a plan within some percent of the one found in ten times as long.
[[nodiscard]] double default_patience_s(const Profile& profile, const Cluster& cluster);

}  // namespace cadastre
