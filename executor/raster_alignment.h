#pragma once

#include <gdal_priv.h>

#include <cstdint>
#include <filesystem>
#include <vector>

#include "executor/scene_data.h"

namespace cadastre {

// How rasters of other resolutions, extents and coordinate reference systems (CRS) come onto the
// reference grid. A raster without georeferencing shares the reference raster's pixel grid: it
// covers the same ground with S × S pixels for each of the reference's.

/// The pixels, geotransform and projection of an open raster; the geotransform is the identity when
/// the raster has none.
[[nodiscard]] Grid grid_of(GDALDataset& raster);

/// The same ground, each pixel divided into `scale` × `scale`.
[[nodiscard]] Grid refined(const Grid& grid, std::int64_t scale);

/// S: the side of a reference pixel over that of a raster's, rounded, at least 1. In another CRS
/// the raster's pixel is measured as GDAL suggests to warp it. Throws InputError when the raster
/// cannot be placed on the grid.
[[nodiscard]] std::int64_t scale_on_grid(GDALDataset& raster, const std::filesystem::path& file,
                                         const Grid& grid);

/// All bands on `refined(grid, scale)`, (B, R·S, C·S), NaN where the raster has no valid value.
/// `grid_file` is the raster that gave the grid, for errors. Throws InputError when the raster
/// cannot be read, does not overlap the grid or cannot be placed on it, std::runtime_error when
/// GDAL fails otherwise.
[[nodiscard]] std::vector<float> align_on_grid(GDALDataset& raster,
                                               const std::filesystem::path& file, const Grid& grid,
                                               const std::filesystem::path& grid_file,
                                               std::int64_t scale, Resampling resampling);

}  // namespace cadastre
