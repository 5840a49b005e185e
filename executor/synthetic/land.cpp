#include "executor/synthetic/land.h"

#include "executor/synthetic/ground.h"
#include "executor/synthetic/parcels.h"
#include "executor/synthetic/structures.h"
#include "executor/synthetic/trees.h"

namespace cadastre::synthetic {

Land make_land(std::uint64_t seed, std::int64_t size_m) {
  const auto size = static_cast<double>(size_m);
  const ParcelMap parcels(seed, size);
  Land land;
  land.num_cells = size_m * kCellsPerMetre;
  land.cells.reserve(static_cast<std::size_t>(land.num_cells * land.num_cells));
  for (std::int64_t row = 0; row < land.num_cells; ++row)
    for (std::int64_t column = 0; column < land.num_cells; ++column)
      land.cells.push_back(ground_cell(seed, size, parcels,
                                       {(static_cast<double>(column) + 0.5) * kCell_m,
                                        (static_cast<double>(row) + 0.5) * kCell_m}));
  add_structures(land, seed, size, parcels);
  add_trees(land, seed, size, parcels);
  return land;
}

}  // namespace cadastre::synthetic
