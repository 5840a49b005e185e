#pragma once

#include <string>

#include "planner/simulation.h"

namespace cadastre {

/// A simulation for a terminal: the table of its plans, the best marked; where each host's step of
/// the first plan goes; and its failures.
[[nodiscard]] std::string simulation_text(const Simulation& simulation);

}  // namespace cadastre
