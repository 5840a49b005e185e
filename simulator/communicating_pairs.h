#pragma once

#include <utility>
#include <vector>

#include "planner/program.h"

namespace cadastre {

/// The pairs of different hosts (indices in the cluster) of which the first sends to the second at
/// some time of a step, ascending.
[[nodiscard]] std::vector<std::pair<int, int>> communicating_pairs(const Program& program);

}  // namespace cadastre
