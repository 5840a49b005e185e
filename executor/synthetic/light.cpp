#include "executor/synthetic/light.h"

#include <algorithm>
#include <cmath>

namespace cadastre::synthetic {

namespace {

// Towards the sun: a unit vector on the ground (3-4-5), and the tangent of its elevation.
constexpr double kSunEast = 0.6;
constexpr double kSunSouth = 0.8;
constexpr double kSunRise = 0.8;
constexpr double kStep_m = 0.5;
constexpr double kLongestShadow_m = 22;

bool in_shadow(const Land& land, std::int64_t row, std::int64_t column) {
  const auto start = static_cast<double>(land.at(row, column).surface_m);
  for (double way = kStep_m; way < kLongestShadow_m; way += kStep_m) {
    const auto x = static_cast<std::int64_t>(
        std::floor(static_cast<double>(column) + 0.5 + way * kSunEast / kCell_m));
    const auto y = static_cast<std::int64_t>(
        std::floor(static_cast<double>(row) + 0.5 + way * kSunSouth / kCell_m));
    if (x >= land.num_cells || y >= land.num_cells) return false;
    // A little more than the ray's height: crowns shade themselves softly, not cell by cell.
    if (static_cast<double>(land.at(y, x).surface_m) > start + way * kSunRise + 0.35) return true;
  }
  return false;
}

}  // namespace

std::vector<float> sunlight(const Land& land) {
  std::vector<float> light;
  light.reserve(land.cells.size());
  const std::int64_t last = land.num_cells - 1;
  for (std::int64_t row = 0; row <= last; ++row)
    for (std::int64_t column = 0; column <= last; ++column) {
      if (in_shadow(land, row, column)) {
        light.push_back(0);
        continue;
      }
      const auto height = [&](std::int64_t y, std::int64_t x) {
        return static_cast<double>(
            land.at(std::clamp(y, std::int64_t{0}, last), std::clamp(x, std::int64_t{0}, last))
                .surface_m);
      };
      // Slopes over 1.5 m, at most 45 degrees: walls are not seen from above.
      const double east = std::clamp(
          (height(row, column + 3) - height(row, column - 3)) / (6 * kCell_m), -1.0, 1.0);
      const double south = std::clamp(
          (height(row + 3, column) - height(row - 3, column)) / (6 * kCell_m), -1.0, 1.0);
      const double facing = 1 - (east * kSunEast + south * kSunSouth) / kSunRise;
      light.push_back(static_cast<float>(
          std::clamp(facing / std::sqrt(1 + east * east + south * south), 0.15, 1.5)));
    }
  return light;
}

}  // namespace cadastre::synthetic
