#include "executor/synthetic/parcels.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "executor/synthetic/noise.h"

namespace cadastre::synthetic {

namespace {

constexpr double kBendSize_m = 110;
constexpr double kBendStrength_m = 9;
constexpr double kMostParcelSide_m = 52;

enum Purpose : std::int64_t { kBendU = 100, kBendV, kTurn, kCutPlace, kTown, kTownOrder, kRural };

double bend(std::uint64_t seed, Purpose purpose, Position p) {
  return kBendStrength_m * smooth_noise(hash(seed, purpose), p.x / kBendSize_m, p.y / kBendSize_m);
}

/// Half the width of the road that a cut of so long a side becomes.
double road_half_width_m(double side_m) {
  if (side_m > 150) return 3.75;
  if (side_m > 78) return 2.5;
  return 0;
}

}  // namespace

ParcelMap::ParcelMap(std::uint64_t seed, double size_m) : seed_(seed), centre_m_(size_m / 2) {
  // (1 - t², 2t) / (1 + t²) is a unit vector for any t: a turn without sin and cos.
  const double t = between(hash(seed, kTurn), 0.06, 0.16);
  axis_ = {(1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)};
  const double reach = 0.75 * size_m + 2 * kBendStrength_m;  // more than half the diagonal
  divide({.least_u = -reach,
          .least_v = -reach,
          .most_u = reach,
          .most_v = reach,
          .key = hash(seed, 0)},
         0);
  assign_uses(size_m);
}

int ParcelMap::divide(const Parcel& rectangle, int depth) {
  const auto index = static_cast<int>(cuts_.size());
  cuts_.emplace_back();
  const double width = rectangle.most_u - rectangle.least_u;
  const double height = rectangle.most_v - rectangle.least_v;
  const double side = std::max(width, height);
  if (side <= kMostParcelSide_m) {
    cuts_.back().parcel = static_cast<int>(parcels_.size());
    parcels_.push_back(rectangle);
    return index;
  }
  Cut cut;
  cut.is_leaf = false;
  cut.across_u = width >= height;
  const double least = cut.across_u ? rectangle.least_u : rectangle.least_v;
  cut.at = least + side * between(hash(rectangle.key, kCutPlace), 0.38, 0.62);
  cut.road_half_width_m = road_half_width_m(side);
  Parcel below = rectangle;
  Parcel above = rectangle;
  (cut.across_u ? below.most_u : below.most_v) = cut.at;
  (cut.across_u ? above.least_u : above.least_v) = cut.at;
  below.key = hash(rectangle.key, depth, 0);
  above.key = hash(rectangle.key, depth, 1);
  cut.below = divide(below, depth + 1);
  cut.above = divide(above, depth + 1);
  cuts_[static_cast<std::size_t>(index)] = cut;
  return index;
}

void ParcelMap::assign_uses(double size_m) {
  struct Place {
    std::size_t parcel;
    double town_distance;
    bool in_scene;
  };

  const Position town = {size_m * between(hash(seed_, kTown, 0), 0.50, 0.64),
                         size_m * between(hash(seed_, kTown, 1), 0.38, 0.62)};
  std::vector<Place> places;
  std::size_t num_in_scene = 0;
  for (std::size_t i = 0; i < parcels_.size(); ++i) {
    const Parcel& p = parcels_[i];
    const Position centre = at((p.least_u + p.most_u) / 2, (p.least_v + p.most_v) / 2);
    const double dx = centre.x - town.x;
    const double dy = centre.y - town.y;
    const bool in_scene = centre.x > 0 && centre.y > 0 && centre.x < size_m && centre.y < size_m;
    num_in_scene += in_scene ? 1U : 0U;
    // Some houses lie further out than some fields.
    const double distance =
        std::sqrt(dx * dx + dy * dy) * between(hash(p.key, kTownOrder), 0.45, 1.35);
    places.push_back({i, distance, in_scene});
  }
  std::sort(places.begin(), places.end(), [](const Place& one, const Place& other) {
    return std::pair(!one.in_scene, one.town_distance) <
           std::pair(!other.in_scene, other.town_distance);
  });
  constexpr std::array<LandUse, 3> kTownUses = {LandUse::kHouses, LandUse::kIndustry,
                                                LandUse::kHouses};
  constexpr std::array<LandUse, 12> kRuralUses = {
      LandUse::kCrop,   LandUse::kBareField, LandUse::kMeadow,    LandUse::kWood,
      LandUse::kMeadow, LandUse::kCrop,      LandUse::kBareField, LandUse::kOrchard,
      LandUse::kCrop,   LandUse::kMeadow,    LandUse::kPond,      LandUse::kBareField};
  const std::size_t num_town = std::max<std::size_t>(3, num_in_scene * 2 / 5);
  for (std::size_t order = 0; order < places.size(); ++order) {
    Parcel& parcel = parcels_[places[order].parcel];
    parcel.use = order < num_town ? kTownUses[order % kTownUses.size()]
                                  : kRuralUses[(order - num_town) % kRuralUses.size()];
  }
}

Spot ParcelMap::locate(Position p) const {
  const double x = p.x - centre_m_ + bend(seed_, kBendU, p);
  const double y = p.y - centre_m_ + bend(seed_, kBendV, p);
  Spot spot;
  spot.u = axis_.x * x + axis_.y * y;
  spot.v = axis_.x * y - axis_.y * x;
  spot.beyond_road_m = 1e9;
  const Cut* cut = cuts_.data();
  while (!cut->is_leaf) {
    const double across = (cut->across_u ? spot.u : spot.v) - cut->at;
    const double beyond = std::abs(across) - cut->road_half_width_m;
    if (cut->road_half_width_m > 0 && beyond < spot.beyond_road_m) {
      spot.beyond_road_m = beyond;
      spot.road_half_width_m = cut->road_half_width_m;
      spot.along_road_m = cut->across_u ? spot.v : spot.u;
    }
    cut = &cuts_[static_cast<std::size_t>(across < 0 ? cut->below : cut->above)];
  }
  spot.parcel = cut->parcel;
  const Parcel& parcel = parcels_[static_cast<std::size_t>(cut->parcel)];
  spot.edge_m = std::min({spot.u - parcel.least_u, parcel.most_u - spot.u, spot.v - parcel.least_v,
                          parcel.most_v - spot.v});
  return spot;
}

Position ParcelMap::at(double u, double v) const {
  const double x = axis_.x * u - axis_.y * v + centre_m_;
  const double y = axis_.y * u + axis_.x * v + centre_m_;
  // The bend is a contraction (9 m over 110 m), so a few rounds of fixed-point iteration are exact
  // to centimetres.
  Position p = {x, y};
  for (int round = 0; round < 6; ++round)
    p = {x - bend(seed_, kBendU, p), y - bend(seed_, kBendV, p)};
  return p;
}

}  // namespace cadastre::synthetic
