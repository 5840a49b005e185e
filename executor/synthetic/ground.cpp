#include "executor/synthetic/ground.h"

#include <algorithm>
#include <cmath>

#include "executor/synthetic/noise.h"

namespace cadastre::synthetic {

namespace {

enum Purpose : std::int64_t {
  kRiverPlace = 200,
  kRiverBend,
  kRiverWidth,
  kRelief,
  kUndulation,
  kBank,
  kPatches,
  kSpeckle,
  kMixture,
  kParcelKind,
  kPondShore,
};

constexpr double kRiverBed_m = 24;
constexpr double kRiverFall = 0.004;  // metres per metre

void set(Cell& cell, Cover cover, Material material, Material other, double other_share) {
  cell.cover = cover;
  cell.material = material;
  cell.other = other;
  cell.other_share = static_cast<float>(std::clamp(other_share, 0.0, 1.0));
}

void set_road(Cell& cell, std::uint64_t seed, Position p) {
  const double wear = 0.5 + 0.9 * fractal_noise(hash(seed, kPatches), p.x / 30, p.y / 30, 3);
  set(cell, Cover::kRoad, Material::kNewAsphalt, Material::kOldAsphalt, wear);
}

/// Low vegetation: grass (mown in stripes) or shrub (in rows); thin places show soil.
void set_low_plants(Cell& cell, Cover cover, std::uint64_t key, Position p, double row_position_m) {
  const double patch = fractal_noise(hash(key, kMixture), p.x / 14, p.y / 14, 3);
  const double bareness = between(hash(key, kParcelKind, 1), 0.02, 0.30);
  const auto row_phase = [&](double period_m) {  // triangle wave, 0..1
    const double t = row_position_m / period_m - std::floor(row_position_m / period_m);
    return std::abs(2 * t - 1);
  };
  if (cover == Cover::kGrass) {
    const bool dry = uniform(hash(key, kParcelKind, 2)) < 0.45;
    set(cell, cover, Material::kGrass, dry ? Material::kDryGrass : Material::kPaleSoil,
        (dry ? 0.30 : 0.0) + bareness * 0.7 + 0.5 * patch);
    cell.brightness *= static_cast<float>(row_phase(7) < 0.5 ? 0.96 : 1.04);
    cell.roughness_m = 0.06F;
  } else {
    const double row = row_phase(1.75);  // soil shows between the rows
    set(cell, cover, Material::kShrub, Material::kRedSoil,
        bareness + 0.35 * (row - 0.5) + 0.45 * patch);
    cell.roughness_m = 0.16F;
    cell.surface_m +=
        static_cast<float>(0.30 * (1 - row) * between(hash(key, kParcelKind, 3), 0.6, 1.4));
  }
}

void set_soil(Cell& cell, std::uint64_t key, Position p, double row_position_m) {
  const double patch = fractal_noise(hash(key, kMixture), p.x / 18, p.y / 18, 4);
  const bool red = uniform(hash(key, kParcelKind, 4)) < 0.6;
  set(cell, Cover::kSoil, red ? Material::kRedSoil : Material::kPaleSoil,
      uniform(hash(key, kParcelKind, 5)) < 0.5 ? Material::kDryGrass : Material::kPaleSoil,
      0.18 + 0.5 * patch);
  const double t = row_position_m / 1.25 - std::floor(row_position_m / 1.25);  // furrows
  cell.brightness *= static_cast<float>(0.92 + 0.16 * std::abs(2 * t - 1));
  cell.roughness_m = 0.05F;
}

void set_water(Cell& cell, std::uint64_t seed, Position p) {
  set(cell, Cover::kWater, Material::kClearWater, Material::kTurbidWater,
      0.5 + 0.9 * fractal_noise(hash(seed, kMixture), p.x / 40, p.y / 40, 3));
  cell.roughness_m = 0.02F;
}

/// Metres from a pond's shore, negative in the water: an ellipse with a ragged rim.
double beyond_pond_m(const Parcel& parcel, const Spot& spot) {
  const double half_u = (parcel.most_u - parcel.least_u) / 2;
  const double half_v = (parcel.most_v - parcel.least_v) / 2;
  const double u = (spot.u - parcel.least_u - half_u) / half_u;
  const double v = (spot.v - parcel.least_v - half_v) / half_v;
  const double rim =
      0.72 + 0.22 * fractal_noise(hash(parcel.key, kPondShore), spot.u / 12, spot.v / 12, 2);
  return (std::sqrt(u * u + v * v) - rim) * std::min(half_u, half_v);
}

void set_parcel(Cell& cell, std::uint64_t seed, const Parcel& parcel, const Spot& spot,
                Position p) {
  const bool rows_along_u = uniform(hash(parcel.key, kParcelKind, 0)) < 0.5;
  const double row_position = rows_along_u ? spot.v : spot.u;
  const double patch = fractal_noise(hash(parcel.key, kPatches), p.x / 9, p.y / 9, 3);
  switch (parcel.use) {
    case LandUse::kCrop:
      return set_low_plants(cell, Cover::kShrub, parcel.key, p, row_position);
    case LandUse::kMeadow:
      return set_low_plants(cell, Cover::kGrass, parcel.key, p, row_position);
    case LandUse::kBareField:
      return set_soil(cell, parcel.key, p, row_position);
    case LandUse::kWood:
      return set_low_plants(cell, patch > 0 ? Cover::kShrub : Cover::kGrass, parcel.key, p, patch);
    case LandUse::kOrchard:
      if (patch > 0.05) return set_soil(cell, parcel.key, p, row_position);
      return set_low_plants(cell, Cover::kGrass, parcel.key, p, row_position);
    case LandUse::kHouses:
      if (patch > 0.30) return set_soil(cell, parcel.key, p, row_position);
      if (patch < -0.26) return set_low_plants(cell, Cover::kShrub, parcel.key, p, row_position);
      return set_low_plants(cell, Cover::kGrass, parcel.key, p, row_position);
    case LandUse::kIndustry:
      if (patch > 0.36) return set_low_plants(cell, Cover::kGrass, parcel.key, p, row_position);
      return set_road(cell, parcel.key, p);
    case LandUse::kPond:
      if (beyond_pond_m(parcel, spot) < 0) return set_water(cell, seed, p);
      if (beyond_pond_m(parcel, spot) < 1.5) return set_soil(cell, parcel.key, p, row_position);
      return set_low_plants(cell, patch > 0 ? Cover::kShrub : Cover::kGrass, parcel.key, p,
                            row_position);
  }
}

}  // namespace

double beyond_river_m(std::uint64_t seed, double size_m, Position p) {
  const std::uint64_t bend = hash(seed, kRiverBend);
  const double x = size_m * between(hash(seed, kRiverPlace), 0.16, 0.24) +
                   24 * smooth_noise(bend, 0.5, p.y / 95) + 6 * smooth_noise(bend, 9.5, p.y / 33);
  const double half_width = 6.5 + 2 * smooth_noise(hash(seed, kRiverWidth), 0.5, p.y / 45);
  // Banks run obliquely to x: 0.88 is the cosine of their usual angle.
  return 0.88 * std::abs(p.x - x) - half_width;
}

double ground_height_m(std::uint64_t seed, double size_m, Position p) {
  const double beyond = beyond_river_m(seed, size_m, p);
  const double river_bed_m = kRiverBed_m - kRiverFall * p.y;
  if (beyond < 0) return river_bed_m;
  const double hills = 44 + 26 * fractal_noise(hash(seed, kRelief), p.x / 170, p.y / 170, 4) +
                       1.2 * fractal_noise(hash(seed, kUndulation), p.x / 22, p.y / 22, 3);
  const double bank_m = 1.4 * smooth_step(0, 2.5, beyond);
  return river_bed_m + bank_m +
         std::max(0.0, hills - river_bed_m - bank_m) * smooth_step(0, 75, beyond);
}

Cell ground_cell(std::uint64_t seed, double size_m, const ParcelMap& parcels, Position p) {
  const Spot spot = parcels.locate(p);
  const Parcel& parcel = parcels.parcels()[static_cast<std::size_t>(spot.parcel)];
  const double beyond_river = beyond_river_m(seed, size_m, p);
  const std::uint64_t speckle = hash(hash(seed, kSpeckle), static_cast<std::int64_t>(p.x / kCell_m),
                                     static_cast<std::int64_t>(p.y / kCell_m));

  Cell cell;
  cell.surface_m = static_cast<float>(ground_height_m(seed, size_m, p));
  cell.brightness = static_cast<float>(
      1 + 0.05 * normal(speckle) + 0.22 * fractal_noise(hash(seed, kPatches), p.x / 6, p.y / 6, 3));

  const bool on_road = spot.beyond_road_m < 0;
  const bool is_main_road = spot.road_half_width_m > 3;
  if (on_road && (is_main_road || beyond_river > 1)) {
    set_road(cell, seed, p);
    // A bridge, a little higher than the banks.
    if (is_main_road && beyond_river < 1)
      cell.surface_m = static_cast<float>(kRiverBed_m + 1.9 - kRiverFall * p.y);
    const double from_axis = spot.beyond_road_m + spot.road_half_width_m;
    const double dash = spot.along_road_m / 6 - std::floor(spot.along_road_m / 6);
    if (is_main_road && from_axis < 0.15 && dash < 0.5) {
      cell.other = Material::kPaint;
      cell.other_share = 0.6F;
    }
  } else if (beyond_river < 0) {
    set_water(cell, seed, p);
  } else if (beyond_river < 5 + 4 * smooth_noise(hash(seed, kBank), p.x / 15, p.y / 15)) {
    const double patch = fractal_noise(hash(seed, kBank), p.x / 8, p.y / 8, 3);
    if (beyond_river < 1.5 + 3 * patch)
      set_soil(cell, seed, p, 0);
    else
      set_low_plants(cell, patch > -0.05 ? Cover::kShrub : Cover::kGrass, seed, p, patch);
  } else if (spot.beyond_road_m < 1.25) {
    set_low_plants(cell, Cover::kGrass, seed, p, 0);  // the verge
  } else {
    set_parcel(cell, seed, parcel, spot, p);
  }
  return cell;
}

}  // namespace cadastre::synthetic
