#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "executor/raster_alignment.h"
#include "planner/scene.h"

namespace cadastre {

/// How the labelled pixels of a scene are divided.
struct DividedPixels {
  std::vector<std::uint8_t> parts;  ///< (R, C), a `Part` each; kNone where unlabelled
  std::vector<std::string> notes;   ///< what a reader of the accuracy should know
};

/// Divides the pixels of `class_plane` (see `read_class_plane`) as the scene's split says, by seed
/// and grid alone. Throws InputError when a class is left without training pixels.
[[nodiscard]] DividedPixels divide_pixels(const Scene& scene, const ReferenceGrid& reference,
                                          const std::vector<std::uint8_t>& class_plane);

}  // namespace cadastre
