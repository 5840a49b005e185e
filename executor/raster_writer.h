#pragma once

#include <gdal_priv.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "executor/scene_data.h"

namespace cadastre {

struct GeoTiffLayout {
  Grid grid;
  int num_bands = 1;
  GDALDataType type = GDT_Byte;
};

/// Writes a tiled (256 × 256), DEFLATE-compressed GeoTIFF that `fill` fills. It is encoded in
/// memory, so that GDAL meets no full disk, then written beside and renamed, together with the
/// FILE.aux.xml in which GDAL keeps category names (and with none when there are none).
/// Throws std::runtime_error naming the file.
void write_geotiff(const std::filesystem::path& file, const GeoTiffLayout& layout,
                   const std::function<void(GDALDataset&)>& fill);

/// Copies a raster in memory into a PNG, written beside and renamed. Throws std::runtime_error.
void write_png(const std::filesystem::path& file, GDALDataset& picture);

/// Writes `values`, (R, C), into a band (from 1 on).
void write_band(GDALDataset& raster, int band, const std::uint8_t* values);
void write_band(GDALDataset& raster, int band, const std::uint16_t* values);
void write_band(GDALDataset& raster, int band, const float* values);

[[nodiscard]] GDALColorTable color_table(const std::vector<LandCoverClass>& classes);

/// Gives a band of class ids the classes' names and colours, and 0 as its no-data value.
void describe_classes(GDALRasterBand& band, const std::vector<LandCoverClass>& classes);

}  // namespace cadastre
