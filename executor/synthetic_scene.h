#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

namespace cadastre {

struct SyntheticSceneOptions {
  std::int64_t size_m = 256;  ///< side of the square scene
  std::uint64_t seed = 1;
};

/// Writes DIR/{scene.json, hyperspectral.tif, lidar.tif, rgb.tif, labels.tif, split.tif}: 48 bands
/// at 1 m, surface height and intensity at 0.5 m, RGB at 0.25 m. The same bytes for the same
/// options. `progress(done, total)` is called between the parts. Throws std::runtime_error.
void write_synthetic_scene(const std::filesystem::path& directory,
                           const SyntheticSceneOptions& options,
                           const std::function<void(int done, int total)>& progress);

}  // namespace cadastre
