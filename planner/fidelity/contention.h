#pragma once

#include <vector>

#include "planner/timeline.h"

namespace cadastre {

/// The hosts of a testbed share one machine's caches and memory: beside others that compute, each
/// computes more slowly. How much of the machine's other processors is in use while a rank
/// computes, in the mean of all that the ranks of the step compute: from 0 to 1. `processors`: by
/// rank, how many its host has; `num_processors`: the machine's.
[[nodiscard]] double mean_use_beside(const Timeline& step, const std::vector<double>& processors,
                                     double num_processors);

}  // namespace cadastre
