#pragma once

#include <vector>

#include "planner/timeline.h"

namespace cadastre {

/// How much of a machine's other processors is in use, from 0 to 1, in the mean of all that the
/// ranks of a step compute, and of all that they wait.
struct UseBeside {
  double computing = 0;
  double waiting = 0;
  bool operator==(const UseBeside&) const = default;
};

/// The hosts of a testbed share one machine's caches and memory: beside others that compute, each
/// computes more slowly. They keep it awake, too: beside them, a rank that waited loses less by it.
/// `processors`: by rank, how many its host has; `num_processors`: the machine's.
[[nodiscard]] UseBeside mean_use_beside(const Timeline& step, const std::vector<double>& processors,
                                        double num_processors);

}  // namespace cadastre
