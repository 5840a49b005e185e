#pragma once

#include <cstdint>
#include <optional>

#include "executor/scene_data.h"

namespace cadastre {

/// Hectares of a pixel of row `row`: by the grid's unit of length where it is projected, on the
/// ellipsoid where it has degrees. None where it is not known where the grid lies.
[[nodiscard]] std::optional<double> pixel_hectares(const Grid& grid, std::int64_t row);

}  // namespace cadastre
