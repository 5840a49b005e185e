#pragma once

#include "executor/raster_alignment.h"
#include "planner/scene.h"

namespace cadastre {

/// The grid on which the scene is aligned: the one that it states, else its label raster's, else
/// its first modality's. Throws InputError when the raster that gives it cannot be opened, or its
/// coordinate reference system is not known.
[[nodiscard]] ReferenceGrid reference_grid(const Scene& scene);

}  // namespace cadastre
