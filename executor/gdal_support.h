#pragma once

#include <gdal_priv.h>

#include <filesystem>
#include <memory>
#include <string>

#include "executor/scene/grid.h"

namespace cadastre {

// What the executor needs of GDAL, with its errors turned into InputError (a file that cannot be
// read) and std::runtime_error (anything else). GDAL itself never prints.

struct CloseDataset {
  void operator()(GDALDataset* dataset) const noexcept;
};

using DatasetPtr = std::unique_ptr<GDALDataset, CloseDataset>;

/// Registers GDAL's drivers, silences its error printing and bounds its cache of blocks (by
/// GDAL_CACHEMAX where that is set); done once, however often called.
void prepare_gdal();

/// GDAL's last error message on one line.
[[nodiscard]] std::string gdal_cause();

/// Throws std::runtime_error with GDAL's cause unless `done`.
void require_gdal(bool done, const std::string& what);

/// Throws std::runtime_error when GDAL was built without it.
[[nodiscard]] GDALDriver& gdal_driver(const char* name);

/// Gives a raster that is being made the grid's geotransform and projection, as far as it has them.
void place_on_grid(GDALDataset& raster, const Grid& grid);

/// Opens anything that GDAL reads. Throws InputError.
[[nodiscard]] DatasetPtr open_raster(const std::filesystem::path& file);

/// Throws InputError unless the raster has `expected` bands.
void check_num_bands(GDALDataset& raster, const std::filesystem::path& file, int expected);

/// Reads a whole band (from 1 on) into `values`, (R, C), NaN where the raster says that it has no
/// data. Throws InputError naming file and band when a block cannot be read.
void read_band(GDALDataset& raster, const std::filesystem::path& file, int band, float* values);

/// A raster in memory whose bands are `values`, (B, R, C), which must outlive it.
[[nodiscard]] DatasetPtr wrap_as_raster(const Grid& grid, int num_bands, GDALDataType type,
                                        void* values);

}  // namespace cadastre
