#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "executor/predict/partial_map.h"
#include "executor/scene_data.h"
#include "planner/scene.h"

namespace cadastre {

/// What GDAL's metadata of a map say, sorted; nothing that differs from run to run.
using MapMetadata = std::map<std::string, std::string>;

/// Gives patches of connected pixels (by sides) that are smaller than `min_area_pixels` to their
/// largest neighbour, in a copy of the finished rows of `work`, which is its class file then. No
/// data stays. Throws MapWriteError when there is no room for the copy.
void sieve(PartialMap& work, const Grid& grid, std::int64_t min_area_pixels);

/// Makes the map and its companions of the finished rows of `work`, first in its directory, and
/// then moves them: MAP.tif, a Cloud Optimized GeoTIFF of class ids (colours, category names,
/// overviews of the commonest class, no data 0), MAP-confidence.tif and MAP-probabilities.tif where
/// asked for, MAP.qml (the style that QGIS takes), MAP.png (a picture of at most 1,200 pixels a
/// side), MAP.json with `record` as its text, and labels.png and MAP-rgb.png where `work` has them.
///
/// They replace an earlier map's files together: its layers that were not asked for now go, and no
/// map is there while they are moved. Throws MapWriteError; then all files are the earlier ones.
/// What ends the process in between leaves the work, which makes them again.
void write_map_files(const std::filesystem::path& map, const PartialMap& work,
                     const MapLayers& layers, const Grid& grid,
                     const std::vector<LandCoverClass>& classes, const MapMetadata& metadata,
                     const std::string& record);

/// That `file`, of a map, was not written because of `error`, whose last words say why.
[[nodiscard]] MapWriteError not_written(const std::filesystem::path& file,
                                        const std::exception& error);

/// MAP with another ending: "map.tif", "-confidence.tif" → "map-confidence.tif".
[[nodiscard]] std::filesystem::path beside_map(const std::filesystem::path& map,
                                               const std::string& ending);

/// QGIS's paletted renderer with the classes' names and colours.
[[nodiscard]] std::string qgis_style(const std::vector<LandCoverClass>& classes);

/// The scene's labels as a picture of the same size and colours, for comparison.
void write_label_picture(const std::filesystem::path& picture, const SceneData& labels,
                         const std::vector<LandCoverClass>& classes);

/// Of the picture of a map: at most 1,200 pixels a side.
[[nodiscard]] Grid picture_size(const Grid& grid);

/// A picture of class ids read row by row. Nearest pixels only: a mean of class ids is no class. No
/// data is transparent.
void write_class_picture(const std::filesystem::path& file, const Grid& grid,
                         const std::function<const std::uint8_t*(std::int64_t row)>& row_of,
                         const std::vector<LandCoverClass>& classes);

}  // namespace cadastre
