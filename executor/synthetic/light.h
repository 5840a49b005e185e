#pragma once

#include <vector>

#include "executor/synthetic/land.h"

namespace cadastre::synthetic {

/// Sunlight that falls on each cell, relative to level ground in the sun: 0 in cast shadow, more
/// than 1 on slopes that face the sun. (num_cells, num_cells). The sun stands in the south-east,
/// 39 degrees high.
[[nodiscard]] std::vector<float> sunlight(const Land& land);

}  // namespace cadastre::synthetic
