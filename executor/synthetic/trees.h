#pragma once

#include <cstdint>

#include "executor/synthetic/land.h"
#include "executor/synthetic/parcels.h"

namespace cadastre::synthetic {

/// Puts woods, orchards, garden and roadside trees on the land, after the structures.
void add_trees(Land& land, std::uint64_t seed, double size_m, const ParcelMap& parcels);

}  // namespace cadastre::synthetic
