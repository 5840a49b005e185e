#pragma once

#include <cstdint>
#include <vector>

#include "executor/raster_alignment.h"
#include "planner/scene.h"

namespace cadastre {

/// Labels from polygons, (R, C): the class index of the last polygon that holds the pixel's centre,
/// `kNoClass` where there is none. The attribute holds class ids, or names of classes. Throws
/// InputError naming file, and layer, attribute or feature, when there are no polygons, none is on
/// the grid, or one has a class that the scene has not.
[[nodiscard]] std::vector<std::uint8_t> rasterized_labels(const Scene& scene,
                                                          const ReferenceGrid& reference);

}  // namespace cadastre
