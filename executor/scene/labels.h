#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "executor/raster_alignment.h"
#include "planner/scene.h"

namespace cadastre {

/// The class index of each pixel of the reference grid, (R, C), `kNoClass` where it has none: what
/// the label raster's no-data value, 0 or no polygon says. Rasters on another grid are resampled by
/// nearest; polygons own the pixels whose centres they hold, the later the rest. Throws InputError
/// when the labels cannot be read, have a class that the scene has not, or are elsewhere.
[[nodiscard]] std::vector<std::uint8_t> read_class_plane(const Scene& scene,
                                                         const ReferenceGrid& reference);

}  // namespace cadastre
