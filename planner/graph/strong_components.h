#pragma once

#include <cstdint>
#include <vector>

#include "planner/graph/rows.h"

namespace cadastre {

/// The strongly connected component of each of `num_vertices` vertices, numbered in a topological
/// order: no edge goes to a component of a smaller number. Source: Tarjan 1972, without recursion.
[[nodiscard]] std::vector<std::uint32_t> strong_components(const Rows& successors,
                                                           std::size_t num_vertices);

}  // namespace cadastre
