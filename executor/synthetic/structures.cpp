#include "executor/synthetic/structures.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "executor/synthetic/ground.h"
#include "executor/synthetic/noise.h"

namespace cadastre::synthetic {

namespace {

enum Purpose : std::int64_t {
  kHouse = 300,
  kHall,
  kFixtures,
  kCar,
  kRoofSpeckle,
};

/// A rectangle on the ground, its long side along the parcels' u axis or across it.
struct Box {
  Position centre;
  Position axis;  ///< unit vector of its long side
  double half_length_m = 0;
  double half_width_m = 0;
};

/// A roof: flat, or a gable along the long side.
struct Roof {
  Cover cover = Cover::kFlatRoof;
  Material material = Material::kBitumen;
  Material other = Material::kGravel;
  double other_share = 0;
  double eave_m = 3;
  double gable_m = 0;  ///< height of the ridge above the eaves
};

/// Calls `paint(cell, along, across)` for each cell of the box, positions in metres from its
/// centre.
template <class Paint>
void for_each_cell(Land& land, const Box& box, Paint paint) {
  const double reach = box.half_length_m + box.half_width_m;
  const auto cell_index = [&](double metres) {
    return std::clamp(static_cast<std::int64_t>(std::floor(metres / kCell_m)), std::int64_t{0},
                      land.num_cells);
  };
  for (std::int64_t row = cell_index(box.centre.y - reach);
       row < cell_index(box.centre.y + reach + kCell_m); ++row)
    for (std::int64_t column = cell_index(box.centre.x - reach);
         column < cell_index(box.centre.x + reach + kCell_m); ++column) {
      const double dx = (static_cast<double>(column) + 0.5) * kCell_m - box.centre.x;
      const double dy = (static_cast<double>(row) + 0.5) * kCell_m - box.centre.y;
      const double along = box.axis.x * dx + box.axis.y * dy;
      const double across = box.axis.x * dy - box.axis.y * dx;
      if (std::abs(along) <= box.half_length_m && std::abs(across) <= box.half_width_m)
        paint(land.at(row, column), along, across, hash(row, column));
    }
}

class Builder {
 public:
  Builder(Land& land, std::uint64_t seed, double size_m, const ParcelMap& parcels)
      : land_(land), seed_(seed), size_m_(size_m), parcels_(parcels) {}

  void build() {
    for (std::size_t i = 0; i < parcels_.parcels().size(); ++i) {
      const Parcel& parcel = parcels_.parcels()[i];
      if (parcel.use == LandUse::kHouses) add_houses(static_cast<int>(i), parcel);
      if (parcel.use == LandUse::kIndustry) add_halls(static_cast<int>(i), parcel);
    }
    add_cars();
  }

 private:
  /// Whether all corners, and `margin_m` around, lie in the parcel, off road and river.
  [[nodiscard]] bool is_free(const Box& box, int parcel, double margin_m) const {
    for (const double along : {-1.0, 0.0, 1.0})
      for (const double across : {-1.0, 0.0, 1.0}) {
        const double a = along * box.half_length_m;
        const double b = across * box.half_width_m;
        const Position p = {box.centre.x + box.axis.x * a - box.axis.y * b,
                            box.centre.y + box.axis.y * a + box.axis.x * b};
        const Spot spot = parcels_.locate(p);
        if (spot.parcel != parcel || spot.edge_m < margin_m || spot.beyond_road_m < margin_m ||
            beyond_river_m(seed_, size_m_, p) < 5)
          return false;
      }
    return true;
  }

  void raise(const Box& box, const Roof& roof, std::uint64_t key) {
    const double ground = ground_height_m(seed_, size_m_, box.centre);
    for_each_cell(land_, box, [&](Cell& cell, double along, double across, std::uint64_t place) {
      const double to_ridge = 1 - std::abs(across) / box.half_width_m;
      cell.cover = roof.cover;
      cell.material = roof.material;
      cell.other = roof.other;
      cell.other_share = static_cast<float>(
          std::clamp(roof.other_share + 0.35 * smooth_noise(key, along / 4, across / 4), 0.0, 1.0));
      const double courses = across / 0.9 - std::floor(across / 0.9);  // rows of tiles
      cell.brightness =
          static_cast<float>(1 + 0.05 * normal(hash(key, static_cast<std::int64_t>(place))) +
                             (roof.gable_m > 0 ? 0.10 * (courses - 0.5) : 0.0));
      cell.roughness_m = 0.03F;
      cell.surface_m = static_cast<float>(ground + roof.eave_m + roof.gable_m * to_ridge);
      // A kerb around flat roofs.
      if (roof.gable_m == 0 &&
          (box.half_width_m - std::abs(across) < 0.3 || box.half_length_m - std::abs(along) < 0.3))
        cell.surface_m += 0.5F;
    });
  }

  /// One house on each lot of about 15 m × 16 m.
  void add_houses(int index, const Parcel& parcel) {
    const double width = parcel.most_u - parcel.least_u - 5;
    const double height = parcel.most_v - parcel.least_v - 5;
    const auto num_u = std::max<std::int64_t>(1, static_cast<std::int64_t>(width / 14.5));
    const auto num_v = std::max<std::int64_t>(1, static_cast<std::int64_t>(height / 14.5));
    for (std::int64_t i = 0; i < num_u; ++i)
      for (std::int64_t j = 0; j < num_v; ++j) {
        const std::uint64_t key = hash(hash(parcel.key, kHouse), i, j);
        const auto draw = [&](std::int64_t what, double least, double most) {
          return between(hash(key, what), least, most);
        };
        const bool turned = draw(0, 0, 1) < 0.4;
        const Position axis = parcels_.axis();
        Box box;
        box.centre = parcels_.at(parcel.least_u + 2.5 +
                                     (static_cast<double>(i) + 0.5 + draw(1, -0.1, 0.1)) * width /
                                         static_cast<double>(num_u),
                                 parcel.least_v + 2.5 +
                                     (static_cast<double>(j) + 0.5 + draw(2, -0.1, 0.1)) * height /
                                         static_cast<double>(num_v));
        box.axis = turned ? Position{-axis.y, axis.x} : axis;
        box.half_length_m = draw(3, 4.6, 6.2);
        box.half_width_m = draw(4, 3.4, 4.6);
        if (draw(5, 0, 1) < 0.06 || !is_free(box, index, 1.2)) continue;
        const double storeys_m = draw(6, 0, 1) < 0.5 ? 3.2 : 5.8;
        if (draw(7, 0, 1) < 0.72) {
          raise(box,
                {.cover = Cover::kTiledRoof,
                 .material = draw(8, 0, 1) < 0.6 ? Material::kRedTile : Material::kBrownTile,
                 .other = draw(9, 0, 1) < 0.5 ? Material::kBrownTile : Material::kGravel,
                 .other_share = draw(10, 0.1, 0.4),
                 .eave_m = storeys_m,
                 .gable_m = box.half_width_m * draw(11, 0.35, 0.6)},
                key);
        } else {
          raise(box,
                {.cover = Cover::kFlatRoof,
                 .material = Material::kBitumen,
                 .other = Material::kGravel,
                 .other_share = draw(10, 0.1, 0.9),
                 .eave_m = storeys_m},
                key);
        }
      }
  }

  /// One or two large halls with fixtures on their flat roofs.
  void add_halls(int index, const Parcel& parcel) {
    const double width = parcel.most_u - parcel.least_u;
    const double height = parcel.most_v - parcel.least_v;
    const bool along_u = width >= height;
    const std::int64_t num_halls = std::max(width, height) > 40 ? 2 : 1;
    for (std::int64_t i = 0; i < num_halls; ++i) {
      const std::uint64_t key = hash(hash(parcel.key, kHall), i);
      const double lot = (along_u ? width : height) / static_cast<double>(num_halls);
      const double from_start = (static_cast<double>(i) + 0.5) * lot;
      Box box;
      box.centre = along_u ? parcels_.at(parcel.least_u + from_start, parcel.least_v + height / 2)
                           : parcels_.at(parcel.least_u + width / 2, parcel.least_v + from_start);
      box.axis = parcels_.axis();
      box.half_length_m = (along_u ? lot : width) / 2 - 4;
      box.half_width_m = (along_u ? height : lot) / 2 - 4;
      // Parcels are bent a little, halls are not: shrink until it fits.
      while (!is_free(box, index, 1.5) && std::min(box.half_length_m, box.half_width_m) > 4) {
        box.half_length_m -= 1;
        box.half_width_m -= 1;
      }
      if (std::min(box.half_length_m, box.half_width_m) <= 4) continue;
      const Roof roof = {
          .cover = Cover::kFlatRoof,
          .material = Material::kBitumen,
          .other = uniform(hash(key, 0)) < 0.5 ? Material::kGravel : Material::kOldAsphalt,
          .other_share = between(hash(key, 1), 0.15, 0.85),
          .eave_m = between(hash(key, 2), 5.5, 10)};
      raise(box, roof, key);
      add_fixtures(box, roof, key);
    }
  }

  /// Air conditioning and skylights.
  void add_fixtures(const Box& hall, const Roof& roof, std::uint64_t key) {
    for (std::int64_t i = 0; i < 7; ++i) {
      const std::uint64_t fixture = hash(hash(key, kFixtures), i);
      const double along = between(hash(fixture, 0), -0.8, 0.8) * hall.half_length_m;
      const double across = between(hash(fixture, 1), -0.8, 0.8) * hall.half_width_m;
      Box box = hall;
      box.centre = {hall.centre.x + hall.axis.x * along - hall.axis.y * across,
                    hall.centre.y + hall.axis.y * along + hall.axis.x * across};
      box.half_length_m = between(hash(fixture, 2), 0.7, 1.6);
      box.half_width_m = between(hash(fixture, 3), 0.5, 0.9);
      const double ground = ground_height_m(seed_, size_m_, hall.centre);
      for_each_cell(land_, box, [&](Cell& cell, double, double, std::uint64_t) {
        if (cell.cover != Cover::kFlatRoof) return;
        cell.other = Material::kPaint;
        cell.other_share = 0.45F;
        cell.surface_m = static_cast<float>(ground + roof.eave_m + 1.1);
      });
    }
  }

  /// Cars are no class of their own: they disturb the roads as they do in real scenes.
  void add_cars() {
    constexpr double kSpacing_m = 9;
    const auto num = static_cast<std::int64_t>(size_m_ / kSpacing_m);
    for (std::int64_t i = 0; i < num; ++i)
      for (std::int64_t j = 0; j < num; ++j) {
        const std::uint64_t key = hash(hash(seed_, kCar), i, j);
        Box box;
        box.centre = {(static_cast<double>(i) + uniform(hash(key, 0))) * kSpacing_m,
                      (static_cast<double>(j) + uniform(hash(key, 1))) * kSpacing_m};
        const Spot spot = parcels_.locate(box.centre);
        const bool on_road =
            spot.beyond_road_m < -1 && beyond_river_m(seed_, size_m_, box.centre) > 1;
        const bool on_yard =
            spot.edge_m > 2.5 &&
            parcels_.parcels()[static_cast<std::size_t>(spot.parcel)].use == LandUse::kIndustry;
        if (!(on_road || on_yard) || uniform(hash(key, 2)) < (on_road ? 0.35 : 0.5)) continue;
        box.axis = parcels_.axis();
        if (uniform(hash(key, 3)) < 0.5) box.axis = {-box.axis.y, box.axis.x};
        box.half_length_m = 2.1;
        box.half_width_m = 0.9;
        constexpr std::array<Material, 4> kColors = {Material::kPaint, Material::kRedTile,
                                                     Material::kNewAsphalt, Material::kClearWater};
        const Material color = kColors[hash(key, 4) % kColors.size()];
        const double ground = ground_height_m(seed_, size_m_, box.centre);
        for_each_cell(land_, box, [&](Cell& cell, double along, double, std::uint64_t) {
          if (cell.cover != Cover::kRoad) return;
          cell.material = color;
          cell.other_share = 0.25F;
          cell.surface_m = static_cast<float>(ground + (std::abs(along) < 1.2 ? 1.5 : 0.9));
        });
      }
  }

  Land& land_;
  std::uint64_t seed_;
  double size_m_;
  const ParcelMap& parcels_;
};

}  // namespace

void add_structures(Land& land, std::uint64_t seed, double size_m, const ParcelMap& parcels) {
  Builder(land, seed, size_m, parcels).build();
}

}  // namespace cadastre::synthetic
