#pragma once

#include <cstdint>

#include "executor/synthetic/land.h"
#include "executor/synthetic/parcels.h"

namespace cadastre::synthetic {

/// Metres from the river's bank, negative in the water.
[[nodiscard]] double beyond_river_m(std::uint64_t seed, double size_m, Position position);

/// Height of the bare ground (or of the water) above sea level.
[[nodiscard]] double ground_height_m(std::uint64_t seed, double size_m, Position position);

/// What lies on the ground at a position: water, road, or what the parcel's use puts there, as yet
/// without buildings and trees.
[[nodiscard]] Cell ground_cell(std::uint64_t seed, double size_m, const ParcelMap& parcels,
                               Position position);

}  // namespace cadastre::synthetic
