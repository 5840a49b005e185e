#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "planner/plan.h"

namespace cadastre {

struct SearchOptions {
  std::int64_t batch_size = 1;
  std::vector<std::int64_t> micro_batches;  ///< numbers to try, each a divisor of the groups
  double time_limit_s = 10;
  std::size_t max_downsets = 20000;
  /// Called now and then with the seconds searched so far and the best step time known.
  std::function<void(double searched_s, double best_step_s)> on_progress = {};
};

struct SearchResult {
  Plan best;  ///< never slower than the plan that the search was given
  SearchReport report;
};

/// Branch and bound over the chains of downsets of the layer DAG, each stage on a set of hosts with
/// shares in proportion to their speeds, under GPipe and 1F1B and every number of micro-batches
/// given. A branch is cut when a bound on its step time is not below the best plan known; what is
/// left is evaluated as a program by the cost model. Exact: when it ends by itself, the gap is 0.
/// At the time limit, or when the DAG has more downsets than `max_downsets`, the lower bound is the
/// least over what was not looked at.
///
/// `start` is a plan to beat (a baseline), predicted, of the same batch size.
[[nodiscard]] SearchResult search_plan(const Profile& profile, const Cluster& cluster,
                                       const SearchOptions& options, const Plan& start);

}  // namespace cadastre
