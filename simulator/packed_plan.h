#pragma once

#include <string>

#include "planner/simulation.h"

namespace cadastre {

// How a simulated plan crosses from the process that replayed it: the events of its timeline as
// they are in memory, as there are up to millions of them and both ends are one program.

[[nodiscard]] std::string packed(const SimulatedPlan& plan);
[[nodiscard]] SimulatedPlan unpacked(const std::string& bytes);

}  // namespace cadastre
