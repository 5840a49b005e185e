#pragma once

#include <cstdint>
#include <vector>

namespace cadastre::synthetic {

// Coordinates: x east and y south of the scene's upper left corner; u and v the same ground in a
// frame that is turned and gently bent, in which parcels are rectangles. All in metres.

struct Position {
  double x = 0;
  double y = 0;
};

enum class LandUse { kMeadow, kCrop, kBareField, kWood, kOrchard, kHouses, kIndustry, kPond };

struct Parcel {
  double least_u = 0;
  double least_v = 0;
  double most_u = 0;
  double most_v = 0;
  LandUse use = LandUse::kMeadow;
  std::uint64_t key = 0;  ///< seed of all that is random in it
};

/// Where a point lies among the parcels.
struct Spot {
  int parcel = 0;
  double u = 0;
  double v = 0;
  double edge_m = 0;         ///< to the nearest side of the parcel
  double beyond_road_m = 0;  ///< to the nearest road's edge, negative on the road
  double road_half_width_m = 0;
  double along_road_m = 0;  ///< position along that road, for its markings
};

/// Land divided by cuts and cuts of cuts: the first are roads, later ones lanes, the last mere
/// boundaries. A town lies around one point, fields and woods around it.
class ParcelMap {
 public:
  ParcelMap(std::uint64_t seed, double size_m);

  [[nodiscard]] Spot locate(Position position) const;
  /// The point at (u, v).
  [[nodiscard]] Position at(double u, double v) const;

  [[nodiscard]] const std::vector<Parcel>& parcels() const { return parcels_; }

  /// Unit vector of the u axis, before bending.
  [[nodiscard]] Position axis() const { return axis_; }

 private:
  struct Cut {
    bool is_leaf = true;
    int parcel = 0;
    bool across_u = false;
    double at = 0;
    double road_half_width_m = 0;
    int below = 0;
    int above = 0;
  };

  int divide(const Parcel& rectangle, int depth);
  void assign_uses(double size_m);

  std::uint64_t seed_;
  double centre_m_;
  Position axis_;
  std::vector<Cut> cuts_;
  std::vector<Parcel> parcels_;
};

}  // namespace cadastre::synthetic
