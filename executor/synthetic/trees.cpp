#include "executor/synthetic/trees.h"

#include <algorithm>
#include <cmath>

#include "executor/synthetic/ground.h"
#include "executor/synthetic/noise.h"

namespace cadastre::synthetic {

namespace {

enum Purpose : std::int64_t { kPlace = 400, kGrows, kKind, kSize, kRim, kLeaves, kGrove };

struct Tree {
  Position trunk;
  double radius_m = 2;
  double height_m = 8;
  Material material = Material::kBroadleaf;
  std::uint64_t key = 0;
};

/// Probability that a tree grows at a place of the lattice.
double tree_density(std::uint64_t seed, double size_m, const ParcelMap& parcels, Position p) {
  const Spot spot = parcels.locate(p);
  const double beyond_river = beyond_river_m(seed, size_m, p);
  if (spot.beyond_road_m < 1 || beyond_river < 1) return 0;
  if (beyond_river < 8) return 0.40;
  if (spot.road_half_width_m > 3 && spot.beyond_road_m < 4) return 0.22;  // an avenue
  const Parcel& parcel = parcels.parcels()[static_cast<std::size_t>(spot.parcel)];
  const bool has_hedge = uniform(hash(parcel.key, kGrove)) < 0.4;
  if (has_hedge && spot.edge_m < 2 && parcel.use != LandUse::kIndustry) return 0.45;
  switch (parcel.use) {
    case LandUse::kWood:
      return 0.90 + 0.5 * fractal_noise(hash(seed, kGrove), p.x / 18, p.y / 18, 2);
    case LandUse::kHouses:
      return 0.13;
    case LandUse::kPond:
      return 0.18;
    case LandUse::kMeadow:
      return 0.025;
    case LandUse::kOrchard:  // its trees stand in rows
    case LandUse::kCrop:
    case LandUse::kBareField:
    case LandUse::kIndustry:
      return 0.008;
  }
  return 0;
}

void add_tree(Land& land, const Tree& tree) {
  const auto cell_index = [&](double metres) {
    return std::clamp(static_cast<std::int64_t>(std::floor(metres / kCell_m)), std::int64_t{0},
                      land.num_cells);
  };
  const auto trunk_row = static_cast<std::int64_t>(std::floor(tree.trunk.y / kCell_m));
  const auto trunk_column = static_cast<std::int64_t>(std::floor(tree.trunk.x / kCell_m));
  if (trunk_row < 0 || trunk_column < 0 || trunk_row >= land.num_cells ||
      trunk_column >= land.num_cells)
    return;
  const Cell& ground = land.at(trunk_row, trunk_column);
  if (ground.cover != Cover::kGrass && ground.cover != Cover::kShrub &&
      ground.cover != Cover::kSoil)
    return;
  const double top = static_cast<double>(ground.surface_m) + tree.height_m;

  const double reach = tree.radius_m * 1.2;
  for (std::int64_t row = cell_index(tree.trunk.y - reach); row < cell_index(tree.trunk.y + reach);
       ++row)
    for (std::int64_t column = cell_index(tree.trunk.x - reach);
         column < cell_index(tree.trunk.x + reach); ++column) {
      const double x = (static_cast<double>(column) + 0.5) * kCell_m;
      const double y = (static_cast<double>(row) + 0.5) * kCell_m;
      const double dx = x - tree.trunk.x;
      const double dy = y - tree.trunk.y;
      const double ragged = 1 + 0.22 * smooth_noise(hash(tree.key, kRim), x / 0.9, y / 0.9);
      const double from_trunk = std::sqrt(dx * dx + dy * dy) / (tree.radius_m * ragged);
      if (from_trunk >= 1) continue;
      const double leaves = smooth_noise(hash(tree.key, kLeaves), x / 0.5, y / 0.5);
      const double surface = top - 0.55 * tree.height_m * from_trunk * from_trunk + 0.3 * leaves;
      Cell& cell = land.at(row, column);
      if (surface <= static_cast<double>(cell.surface_m)) continue;
      cell.cover = Cover::kTrees;
      cell.material = tree.material;
      cell.other = Material::kShrub;
      cell.other_share = static_cast<float>(0.35 * uniform(hash(tree.key, kKind, 1)));
      cell.brightness = static_cast<float>(0.88 + 0.20 * leaves);
      cell.roughness_m = 0.45F;
      cell.surface_m = static_cast<float>(surface);
    }
}

void add_scattered_trees(Land& land, std::uint64_t seed, double size_m, const ParcelMap& parcels) {
  constexpr double kSpacing_m = 4.2;
  const auto num = static_cast<std::int64_t>(size_m / kSpacing_m) + 1;
  for (std::int64_t i = 0; i < num; ++i)
    for (std::int64_t j = 0; j < num; ++j) {
      const std::uint64_t key = hash(hash(seed, kPlace), i, j);
      const Position trunk = {(static_cast<double>(i) + uniform(hash(key, 0))) * kSpacing_m,
                              (static_cast<double>(j) + uniform(hash(key, 1))) * kSpacing_m};
      if (uniform(hash(key, kGrows)) >= tree_density(seed, size_m, parcels, trunk)) continue;
      const bool conifer =
          smooth_noise(hash(seed, kKind), trunk.x / 60, trunk.y / 60) + uniform(hash(key, kKind)) >
          0.9;
      const double size = uniform(hash(key, kSize));
      add_tree(land, {.trunk = trunk,
                      .radius_m = (conifer ? 1.4 : 1.7) + (conifer ? 1.0 : 1.9) * size,
                      .height_m = (conifer ? 6.0 : 4.0) + 7 * size,
                      .material = conifer ? Material::kConifer : Material::kBroadleaf,
                      .key = key});
    }
}

void add_orchards(Land& land, const ParcelMap& parcels) {
  constexpr double kRow_m = 5.5;
  for (const Parcel& parcel : parcels.parcels()) {
    if (parcel.use != LandUse::kOrchard) continue;
    for (double u = parcel.least_u + 3.5; u < parcel.most_u - 3; u += kRow_m)
      for (double v = parcel.least_v + 3.5; v < parcel.most_v - 3; v += kRow_m) {
        const std::uint64_t key = hash(hash(parcel.key, kPlace), static_cast<std::int64_t>(u * 8),
                                       static_cast<std::int64_t>(v * 8));
        if (uniform(hash(key, kGrows)) < 0.08) continue;
        add_tree(land, {.trunk = parcels.at(u, v),
                        .radius_m = between(hash(key, kSize), 1.4, 2.1),
                        .height_m = between(hash(key, kSize, 1), 2.4, 3.8),
                        .material = Material::kBroadleaf,
                        .key = key});
      }
  }
}

}  // namespace

void add_trees(Land& land, std::uint64_t seed, double size_m, const ParcelMap& parcels) {
  add_scattered_trees(land, seed, size_m, parcels);
  add_orchards(land, parcels);
}

}  // namespace cadastre::synthetic
