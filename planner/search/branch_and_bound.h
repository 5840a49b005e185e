#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "planner/search/incumbent.h"

namespace cadastre {

struct BranchAndBoundOptions {
  std::int64_t batch_size = 1;
  std::vector<std::int64_t> micro_batches;  ///< numbers to try
  std::size_t max_downsets = 20000;
  std::function<bool()> stop = [] { return false; };  ///< asked often; true ends the search
};

struct BranchAndBoundResult {
  /// Whether every plan was looked at or cut: the incumbent is the best there is.
  bool complete = false;
  /// The least bound over what was not looked at; infinite when `complete`.
  double least_open = 0;
};

/// Branch and bound over the chains of downsets of the layer DAG (Tarnawski et al. 2020: the stages
/// of any plan are the differences along one), each stage on a set of hosts that is free; then,
/// for interleaved plans, each on one host that serves one stage at most so far. A branch is cut
/// when a bound on it is not below the incumbent; what is left is evaluated as a program and
/// offered. Not even begun, and so not complete, when there are more downsets than `max_downsets`
/// or too many sets of different hosts.
[[nodiscard]] BranchAndBoundResult branch_and_bound(const PlanningProblem& problem,
                                                    const Goal& goal,
                                                    const BranchAndBoundOptions& options,
                                                    Incumbents& incumbents);

}  // namespace cadastre
