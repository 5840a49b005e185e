#include "executor/scene/modality_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "executor/scene/clean_raster.h"
#include "planner/error.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

std::vector<fs::path> files_of(const Modality& modality) {
  std::vector<fs::path> files = {modality.raster};
  files.insert(files.end(), modality.more_rasters.begin(), modality.more_rasters.end());
  return files;
}

bool is_masked(const PixelMask& mask, float value) {
  if (std::isnan(value)) return false;  // the mask does not reach here
  const auto number = static_cast<std::int64_t>(value);
  return std::find(mask.values.begin(), mask.values.end(), number) != mask.values.end() ||
         std::any_of(mask.bits.begin(), mask.bits.end(),
                     [&](std::int64_t bit) { return ((number >> bit) & 1) != 0; });
}

/// Positions of [first, first + size) mirrored into [0, extent), and the least and one past the
/// most of them.
struct MirroredRange {
  MirroredRange(std::int64_t first, std::int64_t size, std::int64_t extent) {
    for (std::int64_t i = 0; i < size; ++i) positions.push_back(mirrored(first + i, extent));
    const auto [least, most] = std::minmax_element(positions.begin(), positions.end());
    begin = *least;
    end = *most + 1;
  }

  std::vector<std::int64_t> positions;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

}  // namespace

DatasetPtr open_modality(const Modality& modality) {
  DatasetPtr raster = open_clean_raster({.files = files_of(modality),
                                         .bands = modality.bands,
                                         .nodata = modality.nodata,
                                         .scale = modality.scale,
                                         .offset = modality.offset});
  check_num_bands(*raster, modality.raster, modality.num_bands);
  return raster;
}

ModalityReader::ModalityReader(const Modality& modality, const ReferenceGrid& reference)
    : modality_(modality), grid_(reference.grid) {
  DatasetPtr raster = open_modality(modality);
  scale_ = scale_on_grid(*raster, modality.raster, grid_);
  const Resampling resampling = resampling_of(modality, *raster, refined(grid_, scale_));
  raster_ = std::make_unique<AlignedRaster>(std::move(raster), files_of(modality), reference,
                                            scale_, resampling);
  for (const PixelMask& mask : modality.masks) {
    DatasetPtr values =
        open_clean_raster({.files = {mask.raster}, .is_scaled = false, .skips_nodata = false});
    check_num_bands(*values, mask.raster, 1);
    masks_.push_back({.meaning = mask,
                      .raster = std::make_unique<AlignedRaster>(
                          std::move(values), std::vector<fs::path>{mask.raster}, reference, scale_,
                          Resampling::kNearest)});
  }
}

void ModalityReader::read_inside(const Window& window, float* values) {
  const auto size = static_cast<std::size_t>(window.num_rows * window.num_columns);
  for (int band = 0; band < modality_.num_bands; ++band)
    raster_->read(band + 1, window, values + static_cast<std::size_t>(band) * size);
  for (Mask& mask : masks_) {
    mask_values_.resize(size);
    mask.raster->read(1, window, mask_values_.data());
    for (std::size_t pixel = 0; pixel < size; ++pixel)
      if (is_masked(mask.meaning, mask_values_[pixel]))
        for (int band = 0; band < modality_.num_bands; ++band)
          values[static_cast<std::size_t>(band) * size + pixel] =
              std::numeric_limits<float>::quiet_NaN();
  }
}

void ModalityReader::read(const Window& window, float* values) {
  const Window fine = {.row = window.row * scale_,
                       .column = window.column * scale_,
                       .num_rows = window.num_rows * scale_,
                       .num_columns = window.num_columns * scale_};
  const Grid& all = raster_->grid();
  if (fine.row >= 0 && fine.column >= 0 && fine.row + fine.num_rows <= all.num_rows &&
      fine.column + fine.num_columns <= all.num_columns) {
    read_inside(fine, values);
    return;
  }
  const MirroredRange rows(fine.row, fine.num_rows, all.num_rows);
  const MirroredRange columns(fine.column, fine.num_columns, all.num_columns);
  const Window inside = {.row = rows.begin,
                         .column = columns.begin,
                         .num_rows = rows.end - rows.begin,
                         .num_columns = columns.end - columns.begin};
  const std::int64_t size = inside.num_rows * inside.num_columns;
  inside_.resize(static_cast<std::size_t>(size * modality_.num_bands));
  read_inside(inside, inside_.data());
  for (std::int64_t band = 0; band < modality_.num_bands; ++band)
    for (const std::int64_t row : rows.positions) {
      const float* line =
          inside_.data() + band * size + (row - inside.row) * inside.num_columns - inside.column;
      for (const std::int64_t column : columns.positions) *values++ = line[column];
    }
}

void standardise(const BandStatistics& statistics, std::size_t band, float* values,
                 std::size_t num_values) {
  const double mean = statistics.mean[band];
  const double stddev = statistics.stddev[band];
  for (float* value = values; value != values + num_values; ++value)
    *value = std::isfinite(*value)
                 ? static_cast<float>((static_cast<double>(*value) - mean) / stddev)
                 : 0.0F;
}

}  // namespace cadastre
