#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "executor/scene_data.h"

namespace cadastre {

/// A classified scene on its reference grid, row by row.
struct ClassMap {
  Grid grid;
  std::vector<std::uint8_t> class_ids;  ///< (R, C), ids as in `Scene::classes`; 0 is no data
  std::vector<float> confidence;        ///< (R, C), probability of the class given, 0..1
};

/// Writes three files, each beside and renamed: `map` (Byte, colour table and category names, tiled
/// and compressed GeoTIFF), MAP-confidence.tif (Float32) and MAP.png (a picture of at most 1,200
/// pixels a side, for the report). Throws std::runtime_error naming the file.
void write_class_map(const std::filesystem::path& map, const ClassMap& class_map,
                     const std::vector<LandCoverClass>& classes);

/// The scene's labels as a picture of the same size and colours, for comparison.
void write_label_picture(const std::filesystem::path& picture, const Scene& scene);

}  // namespace cadastre
