#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "planner/plan.h"

namespace cadastre {

struct PlannerOptions {
  std::int64_t batch_size = 1;              ///< a multiple of the model's batch-norm group
  std::string strategy = "auto";            ///< auto (the search) or one of `baseline_names()`
  std::vector<std::int64_t> micro_batches;  ///< numbers to try; empty: `micro_batch_choices`
  double time_limit_s = 10;                 ///< of the search
  /// Called now and then while the search goes on; see `SearchOptions`.
  std::function<void(double searched_s, double best_step_s)> on_progress = {};
};

/// Plans `profile`'s model on `cluster`. The document's plan is the one that was asked for; its
/// alternatives are the baselines that exist, and the search's own when a baseline was asked for.
/// `plan.predicted.fits_memory` is false when no plan fits: a result, not an error.
/// Throws InputError when the options do not go with the model, or the strategy with the cluster.
[[nodiscard]] PlanDocument make_plan(const Profile& profile, const Cluster& cluster,
                                     const PlannerOptions& options);

}  // namespace cadastre
