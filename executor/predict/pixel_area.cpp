#include "executor/predict/pixel_area.h"

#include <ogr_spatialref.h>

#include <cmath>

namespace cadastre {

namespace {

constexpr double kSquareMetersPerHectare = 1e4;

/// Area of the zone between the equator and a latitude, per radian of longitude, of an ellipsoid of
/// semi-axes a and b: the integral of M·N·cos φ (Snyder 1987, equation 3-12, times a²/2 … (1-e²)).
double zone_area(double semi_major, double eccentricity, double latitude) {
  const double sine = std::sin(latitude);
  if (eccentricity < 1e-9) return semi_major * semi_major * sine;
  const double es = eccentricity * sine;
  return semi_major * semi_major * (1 - eccentricity * eccentricity) / 2 *
         (sine / (1 - es * es) + std::log((1 + es) / (1 - es)) / (2 * eccentricity));
}

}  // namespace

std::optional<double> pixel_hectares(const Grid& grid, std::int64_t row) {
  if (grid.projection.empty()) return std::nullopt;
  OGRSpatialReference system;
  if (system.importFromWkt(grid.projection.c_str()) != OGRERR_NONE) return std::nullopt;
  const auto& [left, width, row_turn, top, column_turn, height] = grid.geo_transform;
  const double units = std::abs(width * height - row_turn * column_turn);
  if (system.IsProjected() != 0) {
    const double meters = system.GetLinearUnits();
    return units * meters * meters / kSquareMetersPerHectare;
  }
  if (system.IsGeographic() == 0) return std::nullopt;
  const double radians = system.GetAngularUnits();
  const double semi_major = system.GetSemiMajor();
  const double flattening = system.GetInvFlattening() > 0 ? 1 / system.GetInvFlattening() : 0;
  const double eccentricity = std::sqrt(flattening * (2 - flattening));
  // Turned grids: by the latitudes of the row's middle, as wide in longitude as the area says.
  const double middle = static_cast<double>(grid.num_columns) / 2;
  const double upper = top + column_turn * middle + height * static_cast<double>(row);
  const double lower = upper + height;
  const double longitude = std::abs(height) > 0 ? units / std::abs(height) : 0;
  return std::abs(zone_area(semi_major, eccentricity, upper * radians) -
                  zone_area(semi_major, eccentricity, lower * radians)) *
         longitude * radians / kSquareMetersPerHectare;
}

}  // namespace cadastre
