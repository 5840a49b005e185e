#include "executor/scene/grid.h"

#include <ogr_spatialref.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

namespace cadastre {

namespace {

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

OGRSpatialReference reference_system(const Grid& grid) {
  OGRSpatialReference system(grid.projection.empty() ? nullptr : grid.projection.c_str());
  system.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  return system;
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

}  // namespace

bool is_georeferenced(const Grid& grid) { return grid.geo_transform != kNoGeoTransform; }

Grid refined(const Grid& grid, std::int64_t scale) {
  Grid fine = grid;
  fine.num_rows *= scale;
  fine.num_columns *= scale;
  if (is_georeferenced(grid))
    for (const std::size_t i : {1U, 2U, 4U, 5U})
      fine.geo_transform[i] /= static_cast<double>(scale);
  return fine;
}

double pixel_side(const std::array<double, 6>& t) {
  return std::sqrt(std::abs(t[1] * t[5] - t[2] * t[4]));
}

bool same_reference_system(const Grid& one, const Grid& other) {
  if (one.projection == other.projection) return true;
  if (one.projection.empty() || other.projection.empty()) return false;
  const OGRSpatialReference left = reference_system(one);
  const OGRSpatialReference right = reference_system(other);
  return left.IsSame(&right) != 0;
}

bool same_pixels(const Grid& one, const Grid& other) {
  if (one.num_rows != other.num_rows || one.num_columns != other.num_columns) return false;
  if (!is_georeferenced(one) || !is_georeferenced(other)) return true;
  const bool have_both = !one.projection.empty() && !other.projection.empty();
  if (have_both && !same_reference_system(one, other)) return false;
  const double tolerance = 0.01 * pixel_side(other.geo_transform);
  const std::array<Position, 4> left = corners(one);
  const std::array<Position, 4> right = corners(other);
  for (std::size_t i = 0; i < left.size(); ++i)
    if (std::abs(left[i].x - right[i].x) > tolerance ||
        std::abs(left[i].y - right[i].y) > tolerance)
      return false;
  return true;
}

bool overlap(const Grid& raster, const Grid& grid) {
  const Bounds there = bounds_on(raster, grid);
  const Bounds here = bounds(grid);
  // Across the antimeridian GDAL gives least > most, finite: left to the warper.
  const bool crosses = there.least_x > there.most_x && std::isfinite(there.least_x);
  const bool in_x = crosses || (there.least_x < here.most_x && here.least_x < there.most_x);
  return in_x && there.least_y < here.most_y && here.least_y < there.most_y;
}

std::string size_text(const Grid& grid) {
  return std::to_string(grid.num_rows) + " x " + std::to_string(grid.num_columns);
}

std::int64_t mirrored(std::int64_t position, std::int64_t size) {
  const std::int64_t period = 2 * size;
  position = ((position % period) + period) % period;
  return position < size ? position : period - 1 - position;
}

}  // namespace cadastre
