#pragma once

#include <cstdint>
#include <vector>

#include "executor/synthetic/land.h"

namespace cadastre::synthetic {

// What three sensors see of the land, each on its own day, with its own noise. `light` is
// `sunlight(land)`. Rasters are (B, R, C).

/// 48 bands at 1 m, reflectance × 10000; a pixel sees 1.5 m × 1.5 m of ground.
[[nodiscard]] std::vector<std::uint16_t> hyperspectral_image(const Land& land,
                                                             const std::vector<float>& light,
                                                             std::uint64_t seed);

/// 2 bands at 0.5 m: height of the surface above sea level in metres, and intensity of the echo
/// at the near-infrared end, 0..255.
[[nodiscard]] std::vector<float> lidar_image(const Land& land, std::uint64_t seed);

/// Red, green and blue at 0.25 m.
[[nodiscard]] std::vector<std::uint8_t> rgb_image(const Land& land, const std::vector<float>& light,
                                                  std::uint64_t seed);

}  // namespace cadastre::synthetic
