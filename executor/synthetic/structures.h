#pragma once

#include <cstdint>

#include "executor/synthetic/land.h"
#include "executor/synthetic/parcels.h"

namespace cadastre::synthetic {

/// Puts houses, halls and cars on the land.
void add_structures(Land& land, std::uint64_t seed, double size_m, const ParcelMap& parcels);

}  // namespace cadastre::synthetic
