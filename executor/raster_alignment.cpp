#include "executor/raster_alignment.h"

#include <cpl_string.h>
#include <gdal_alg.h>
#include <gdal_utils.h>
#include <ogr_spatialref.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>

#include "executor/gdal_support.h"
#include "planner/error.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

constexpr std::array<double, 6> kNoGeoTransform = {0, 1, 0, 0, 0, 1};

struct Position {
  double x = 0;
  double y = 0;
};

struct Bounds {
  double least_x = std::numeric_limits<double>::infinity();
  double least_y = std::numeric_limits<double>::infinity();
  double most_x = -std::numeric_limits<double>::infinity();
  double most_y = -std::numeric_limits<double>::infinity();
};

Position position(const Grid& grid, double column, double row) {
  const std::array<double, 6>& t = grid.geo_transform;
  return {t[0] + t[1] * column + t[2] * row, t[3] + t[4] * column + t[5] * row};
}

std::array<Position, 4> corners(const Grid& grid) {
  const auto columns = static_cast<double>(grid.num_columns);
  const auto rows = static_cast<double>(grid.num_rows);
  return {position(grid, 0, 0), position(grid, columns, 0), position(grid, 0, rows),
          position(grid, columns, rows)};
}

Bounds bounds(const Grid& grid) {
  Bounds box;
  for (const Position& corner : corners(grid)) {
    box.least_x = std::min(box.least_x, corner.x);
    box.least_y = std::min(box.least_y, corner.y);
    box.most_x = std::max(box.most_x, corner.x);
    box.most_y = std::max(box.most_y, corner.y);
  }
  return box;
}

/// Side of a square of a pixel's area, in units of the grid's CRS.
double pixel_side(const std::array<double, 6>& t) {
  return std::sqrt(std::abs(t[1] * t[5] - t[2] * t[4]));
}

bool is_georeferenced(const Grid& grid) { return grid.geo_transform != kNoGeoTransform; }

OGRSpatialReference reference_system(const Grid& grid) {
  OGRSpatialReference system(grid.projection.empty() ? nullptr : grid.projection.c_str());
  system.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  return system;
}

bool same_reference_system(const Grid& one, const Grid& other) {
  if (one.projection.empty() || other.projection.empty())
    return one.projection.empty() && other.projection.empty();
  const OGRSpatialReference left = reference_system(one);
  const OGRSpatialReference right = reference_system(other);
  return left.IsSame(&right) != 0;
}

/// Whether pixels correspond one to one, so that nothing needs resampling.
bool same_pixels(const Grid& one, const Grid& other) {
  if (one.num_rows != other.num_rows || one.num_columns != other.num_columns) return false;
  if (!is_georeferenced(one) || !is_georeferenced(other)) return true;
  if (!same_reference_system(one, other)) return false;
  const double tolerance = 0.01 * pixel_side(other.geo_transform);
  const std::array<Position, 4> left = corners(one);
  const std::array<Position, 4> right = corners(other);
  for (std::size_t i = 0; i < left.size(); ++i)
    if (std::abs(left[i].x - right[i].x) > tolerance ||
        std::abs(left[i].y - right[i].y) > tolerance)
      return false;
  return true;
}

std::string size_text(const Grid& grid) {
  return std::to_string(grid.num_rows) + " x " + std::to_string(grid.num_columns);
}

/// Refuses rasters whose place cannot be known.
void check_can_be_placed(const Grid& raster, const fs::path& file, const Grid& grid) {
  if (!is_georeferenced(raster) || !is_georeferenced(grid)) {
    const std::int64_t scale = std::max<std::int64_t>(1, raster.num_rows / grid.num_rows);
    if (!same_pixels(raster, refined(grid, scale)))
      throw InputError(file.string(), "",
                       "expected georeferencing, or a multiple of the label raster's " +
                           size_text(grid) + " pixels, found " + size_text(raster) +
                           " pixels without");
  } else if (raster.projection.empty() != grid.projection.empty()) {
    throw InputError(
        file.string(), "",
        raster.projection.empty()
            ? "expected a coordinate reference system as the label raster has, found none"
            : "expected no coordinate reference system as the label raster has none, "
              "found one");
  }
}

/// The raster's bounds in the grid's CRS; what cannot be expressed there is infinitely far.
Bounds bounds_on(const Grid& raster, const Grid& grid) {
  Bounds box = bounds(raster);
  if (same_reference_system(raster, grid)) return box;
  const OGRSpatialReference from = reference_system(raster);
  const OGRSpatialReference to = reference_system(grid);
  const std::unique_ptr<OGRCoordinateTransformation> transformation(
      OGRCreateCoordinateTransformation(&from, &to));
  constexpr int kPointsPerSide = 21;
  Bounds there;
  if (transformation == nullptr ||
      transformation->TransformBounds(box.least_x, box.least_y, box.most_x, box.most_y,
                                      &there.least_x, &there.least_y, &there.most_x, &there.most_y,
                                      kPointsPerSide) == 0)
    return Bounds{};
  return there;
}

bool overlap(const Grid& raster, const Grid& grid) {
  const Bounds there = bounds_on(raster, grid);
  const Bounds here = bounds(grid);
  // Across the antimeridian GDAL gives least > most, finite: left to the warper.
  const bool crosses = there.least_x > there.most_x && std::isfinite(there.least_x);
  const bool in_x = crosses || (there.least_x < here.most_x && here.least_x < there.most_x);
  return in_x && there.least_y < here.most_y && here.least_y < there.most_y;
}

const char* warper_name(Resampling resampling) {
  switch (resampling) {
    case Resampling::kNearest:
      return "near";
    case Resampling::kBilinear:
      return "bilinear";
    case Resampling::kCubic:
      return "cubic";
    case Resampling::kAverage:
      return "average";
  }
  throw std::logic_error("resampling out of range");
}

bool warp(GDALDataset& raster, GDALDataset& target, Resampling resampling) {
  CPLStringList arguments;
  for (const char* argument : {"-r", warper_name(resampling), "-dstnodata", "nan", "-nosrcalpha",
                               // Overviews would make the result depend on how a file was prepared.
                               "-ovr", "NONE",
                               // Each band for itself: a pixel may be missing in one band alone.
                               "-wo", "UNIFIED_SRC_NODATA=NO", "-wo", "INIT_DEST=NO_DATA"})
    arguments.AddString(argument);
  int has_no_data = 0;
  raster.GetRasterBand(1)->GetNoDataValue(&has_no_data);
  if (has_no_data == 0 && GDALDataTypeIsFloating(raster.GetRasterBand(1)->GetRasterDataType())) {
    // Otherwise a NaN would spread to all pixels that are interpolated from it.
    arguments.AddString("-srcnodata");
    arguments.AddString("nan");
  }
  GDALWarpAppOptions* options = GDALWarpAppOptionsNew(arguments.List(), nullptr);
  GDALDatasetH source = GDALDataset::ToHandle(&raster);
  CPLErrorReset();
  const bool done =
      GDALWarp(nullptr, GDALDataset::ToHandle(&target), 1, &source, options, nullptr) != nullptr;
  GDALWarpAppOptionsFree(options);
  return done && CPLGetLastErrorType() < CE_Failure;
}

/// Throws InputError for the first band that cannot be read: the warper does not say which.
void refuse_unreadable_band(GDALDataset& raster, const fs::path& file) {
  const Grid grid = grid_of(raster);
  std::vector<float> values(static_cast<std::size_t>(grid.num_rows * grid.num_columns));
  for (int band = 1; band <= raster.GetRasterCount(); ++band)
    read_band(raster, file, band, values.data());
}

}  // namespace

Grid grid_of(GDALDataset& raster) {
  Grid grid;
  grid.num_rows = raster.GetRasterYSize();
  grid.num_columns = raster.GetRasterXSize();
  if (raster.GetGeoTransform(grid.geo_transform.data()) != CE_None)
    grid.geo_transform = kNoGeoTransform;
  grid.projection = raster.GetProjectionRef();
  return grid;
}

Grid refined(const Grid& grid, std::int64_t scale) {
  Grid fine = grid;
  fine.num_rows *= scale;
  fine.num_columns *= scale;
  if (is_georeferenced(grid))
    for (const std::size_t i : {1U, 2U, 4U, 5U})
      fine.geo_transform[i] /= static_cast<double>(scale);
  return fine;
}

std::int64_t scale_on_grid(GDALDataset& raster, const fs::path& file, const Grid& grid) {
  const Grid own = grid_of(raster);
  check_can_be_placed(own, file, grid);
  if (!is_georeferenced(own) || !is_georeferenced(grid)) return own.num_rows / grid.num_rows;

  double side = pixel_side(own.geo_transform);
  if (!same_reference_system(own, grid)) {
    CPLStringList options;
    options.SetNameValue("DST_SRS", grid.projection.c_str());
    const std::unique_ptr<void, void (*)(void*)> transformer(
        GDALCreateGenImgProjTransformer2(GDALDataset::ToHandle(&raster), nullptr, options.List()),
        GDALDestroyGenImgProjTransformer);
    std::array<double, 6> suggested{};
    int num_columns = 0;
    int num_rows = 0;
    if (transformer == nullptr ||
        GDALSuggestedWarpOutput(GDALDataset::ToHandle(&raster), GDALGenImgProjTransform,
                                transformer.get(), suggested.data(), &num_columns,
                                &num_rows) != CE_None)
      throw InputError(file.string(), "",
                       "expected to overlap the label raster, found no way into its coordinate "
                       "reference system: " +
                           gdal_cause());
    side = pixel_side(suggested);
  }
  return std::max<std::int64_t>(1, std::llround(pixel_side(grid.geo_transform) / side));
}

std::vector<float> align_on_grid(GDALDataset& raster, const fs::path& file, const Grid& grid,
                                 const fs::path& grid_file, std::int64_t scale,
                                 Resampling resampling) {
  const Grid own = grid_of(raster);
  const Grid target = refined(grid, scale);
  const int num_bands = raster.GetRasterCount();
  const auto band_size = static_cast<std::size_t>(target.num_rows * target.num_columns);
  std::vector<float> values(band_size * static_cast<std::size_t>(num_bands));

  if (same_pixels(own, target)) {
    for (int band = 1; band <= num_bands; ++band)
      read_band(raster, file, band, values.data() + band_size * static_cast<std::size_t>(band - 1));
  } else {
    check_can_be_placed(own, file, grid);
    if (!overlap(own, grid))
      throw InputError(file.string(), "",
                       "expected to overlap " + grid_file.string() + ", found no common ground");
    const DatasetPtr aligned = wrap_as_raster(target, num_bands, GDT_Float32, values.data());
    if (!warp(raster, *aligned, resampling)) {
      const std::string cause = gdal_cause();
      refuse_unreadable_band(raster, file);
      throw std::runtime_error(file.string() + ": cannot be warped onto the grid of " +
                               grid_file.string() + ": " + cause);
    }
  }
  if (std::none_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
    throw InputError(file.string(), "",
                     "expected values on the grid of " + grid_file.string() + ", found none");
  return values;
}

}  // namespace cadastre
