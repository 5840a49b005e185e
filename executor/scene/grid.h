#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace cadastre {

/// The reference grid, or a raster's own pixels.
struct Grid {
  std::int64_t num_rows = 0;
  std::int64_t num_columns = 0;
  std::array<double, 6> geo_transform{};  ///< GDAL's affine transform
  std::string projection;                 ///< WKT; empty when the rasters have none
  bool operator==(const Grid&) const = default;
};

/// Pixels of a grid; may reach over its border.
struct Window {
  std::int64_t row = 0;
  std::int64_t column = 0;
  std::int64_t num_rows = 0;
  std::int64_t num_columns = 0;
  bool operator==(const Window&) const = default;
};

/// What GDAL gives for a raster that has no geotransform.
inline constexpr std::array<double, 6> kNoGeoTransform = {0, 1, 0, 0, 0, 1};

[[nodiscard]] bool is_georeferenced(const Grid& grid);

/// The same ground, each pixel divided into `scale` × `scale`.
[[nodiscard]] Grid refined(const Grid& grid, std::int64_t scale);

/// Side of a square of a pixel's area, in units of the grid's CRS.
[[nodiscard]] double pixel_side(const std::array<double, 6>& geo_transform);

[[nodiscard]] bool same_reference_system(const Grid& one, const Grid& other);

/// Whether pixels correspond one to one, so that nothing needs resampling. Those of grids of the
/// same size do when one or both have no georeferencing, or the same one and only one has a CRS.
[[nodiscard]] bool same_pixels(const Grid& one, const Grid& other);

/// Whether the two may have ground in common; false only where that is certain.
[[nodiscard]] bool overlap(const Grid& raster, const Grid& grid);

/// "ROWS x COLUMNS".
[[nodiscard]] std::string size_text(const Grid& grid);

/// Mirrors a position into [0, size), the border pixel repeated (… 1 0 | 0 1 2 …): the mirror lies
/// on the border line itself, so that modalities of different scales stay on the same ground.
[[nodiscard]] std::int64_t mirrored(std::int64_t position, std::int64_t size);

}  // namespace cadastre
