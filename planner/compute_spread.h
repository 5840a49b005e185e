#pragma once

#include <vector>

#include "planner/cluster.h"
#include "planner/plan.h"
#include "planner/program.h"

namespace cadastre {

/// For each instruction of each rank, the spread between the quartiles of its compute time over
/// its median; 0 for what does not compute or was not measured more than once.
using ProgramSpreads = std::vector<std::vector<double>>;

/// From the spread of the profile's measurements, between sizes interpolated as `layer_cost` does.
/// Layers vary independently of each other: the squares of their spreads add up over a stage.
[[nodiscard]] ProgramSpreads program_spreads(const Program& program, const Plan& plan,
                                             const Profile& profile, const Cluster& cluster);

}  // namespace cadastre
