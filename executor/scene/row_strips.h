#pragma once

#include <cstdint>
#include <vector>

#include "executor/scene/grid.h"

namespace cadastre {

/// The grid cut into strips of whole rows, for reading it in bounded memory: each of at most 32 MB
/// of floats, of which a reference pixel has `values_per_pixel`, but no thinner than a row.
[[nodiscard]] std::vector<Window> row_strips(const Grid& grid, std::int64_t values_per_pixel);

}  // namespace cadastre
