#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "executor/scene/grid.h"
#include "planner/scene.h"

namespace cadastre {

/// What a file that may belong to a scene is, as far as it says so itself, and what a STAC item
/// says about it.
struct FoundFile {
  std::filesystem::path file;
  bool is_vector = false;
  std::string unreadable;  ///< why GDAL cannot use it; else empty

  /// Why its pixels cannot be read, though it opens; empty otherwise. It is used, and so refused,
  /// unless it is left out by hand: who has a raster in a folder wants it to count.
  std::string damage;

  // Of rasters.
  Grid grid;
  int num_bands = 0;
  std::string type;  ///< GDAL's name of it: Byte, UInt16, …
  bool is_integer = false;
  std::vector<int> alpha_bands;
  /// Of a raster with one band of whole numbers, however they are stored: pixels by value, without
  /// no-data; empty when there are more values than classes can be (255).
  std::map<std::int64_t, std::int64_t> values;
  /// Names and colours by value, from categories, attribute or colour table, or the STAC item.
  std::map<std::int64_t, std::string> value_names;
  std::map<std::int64_t, std::array<int, 3>> value_colors;

  // Of vectors.
  std::vector<std::string> layers;      ///< those with polygons
  std::vector<std::string> attributes;  ///< of the first of them; whole numbers and texts
  std::vector<std::string> real_attributes;  ///< which some programs write whole numbers as

  // Of a STAC asset.
  std::string asset;  ///< its key
  std::string item;   ///< its item's id
  std::vector<std::string> roles;
};

/// Opens a file and looks at it. A file that GDAL cannot use comes back with the reason.
[[nodiscard]] FoundFile inspect_file(const std::filesystem::path& file);

/// The distinct values of a vector's attribute, ascending, as text.
[[nodiscard]] std::vector<std::string> attribute_values(const std::filesystem::path& file,
                                                        const std::string& layer,
                                                        const std::string& attribute,
                                                        bool& is_number);

}  // namespace cadastre
