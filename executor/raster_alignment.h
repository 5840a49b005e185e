#pragma once

#include <gdal_priv.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "executor/gdal_support.h"
#include "executor/scene/grid.h"
#include "planner/scene.h"

namespace cadastre {

// How rasters of other resolutions, extents, orientations and coordinate reference systems (CRS)
// come onto the reference grid. A raster without georeferencing shares the reference grid's pixels:
// it covers the same ground with S × S pixels for each of the grid's.

/// The grid on which a scene is aligned, and what gave it, for errors: a file, or "the scene's
/// grid".
struct ReferenceGrid {
  Grid grid;
  std::string from;
};

/// The pixels, geotransform and projection of an open raster; the geotransform is the identity when
/// the raster has none.
[[nodiscard]] Grid grid_of(GDALDataset& raster);

/// Refuses a raster whose place is known otherwise than by a geotransform, or that has one without
/// ground. Throws InputError.
void check_geotransform(GDALDataset& raster, const std::filesystem::path& file);

/// S: the side of a reference pixel over that of a raster's, rounded, at least 1. In another CRS
/// the raster's pixel is measured as GDAL suggests to warp it. Throws InputError when the raster
/// cannot be placed on the grid.
[[nodiscard]] std::int64_t scale_on_grid(GDALDataset& raster, const std::filesystem::path& file,
                                         const Grid& grid);

/// How a modality is resampled where it does not say: nearest for classes; of measurements the
/// average where the raster's pixels are finer than those they go to, else cubic.
[[nodiscard]] Resampling resampling_of(const Modality& modality, GDALDataset& raster,
                                       const Grid& target);

/// A raster of Float32 bands on `refined(grid, scale)`, NaN where it has no value, warped as it is
/// read. What is read does not depend on the window it is read with. For one thread at a time.
class AlignedRaster {
 public:
  /// `raster`: as of `open_clean_raster`; `files` are named in errors. Throws InputError when it
  /// does not overlap the grid or cannot be placed on it, std::runtime_error when GDAL fails.
  AlignedRaster(DatasetPtr raster, std::vector<std::filesystem::path> files,
                const ReferenceGrid& reference, std::int64_t scale, Resampling resampling);

  /// Pixels of the refined grid.
  [[nodiscard]] const Grid& grid() const { return target_; }

  [[nodiscard]] int num_bands() const { return raster_->GetRasterCount(); }

  /// Reads a window that lies inside the grid, of one band (from 1 on), (h, w). Throws InputError
  /// naming file and band when a block cannot be read.
  void read(int band, const Window& window, float* values);

 private:
  [[noreturn]] void refuse_unreadable(int band) const;

  std::vector<std::filesystem::path> files_;
  std::string grid_from_;
  Grid target_;
  DatasetPtr raster_;
  DatasetPtr warped_;  ///< of `raster_`, and gone before it; none where pixels agree
};

}  // namespace cadastre
