#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "planner/placement/placement_search.h"

namespace cadastre {

/// `cadastre-placement/1`: what was found, its loads, and the device of every node, in the order of
/// the problem. `result` has a placement.
[[nodiscard]] nlohmann::json to_json(const PlacementProblem& problem,
                                     const PlacementResult& result);

/// The same for people: a table of devices, and the bound.
[[nodiscard]] std::string summary(const PlacementResult& result);

/// Why there is no placement, in one line.
[[nodiscard]] std::string no_placement(const PlacementResult& result);

}  // namespace cadastre
