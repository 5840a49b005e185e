#pragma once

#include <cstdint>
#include <vector>

#include "executor/synthetic/materials.h"

namespace cadastre::synthetic {

/// Land cover, the ids of the scene's classes.
enum class Cover : std::uint8_t {
  kWater = 1,
  kRoad,
  kFlatRoof,
  kTiledRoof,
  kGrass,
  kShrub,
  kTrees,
  kSoil,
};

inline constexpr int kNumCovers = 8;

/// Cells of the land, from which every sensor is rendered, along one metre.
inline constexpr std::int64_t kCellsPerMetre = 4;
inline constexpr double kCell_m = 1.0 / kCellsPerMetre;

/// One cell of 0.25 m × 0.25 m. Its spectrum is `brightness` times a mixture of two materials.
struct Cell {
  Cover cover = Cover::kGrass;
  Material material = Material::kGrass;
  Material other = Material::kPaleSoil;
  float other_share = 0;  ///< 0..1
  float brightness = 1;
  float roughness_m = 0;  ///< scatter of heights within the cell
  float surface_m = 0;    ///< height of the highest surface above sea level
};

struct Land {
  std::int64_t num_cells = 0;  ///< along each side
  std::vector<Cell> cells;     ///< (num_cells, num_cells), row by row from the north-west

  [[nodiscard]] const Cell& at(std::int64_t row, std::int64_t column) const {
    return cells[static_cast<std::size_t>(row * num_cells + column)];
  }

  [[nodiscard]] Cell& at(std::int64_t row, std::int64_t column) {
    return cells[static_cast<std::size_t>(row * num_cells + column)];
  }
};

/// Ground with a river, roads and parcels; on it buildings, cars and trees.
[[nodiscard]] Land make_land(std::uint64_t seed, std::int64_t size_m);

}  // namespace cadastre::synthetic
