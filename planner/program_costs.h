#pragma once

#include <vector>

#include "planner/cost_table.h"
#include "planner/division.h"
#include "planner/program.h"

namespace cadastre {

/// Seconds that each instruction computes on its rank, in the program's order; 0 for sends,
/// receives and reductions, whose time is the network's. The cost model and the simulator both
/// start from these.
using ProgramCosts = std::vector<std::vector<double>>;

[[nodiscard]] ProgramCosts program_costs(const Program& program, const Plan& plan,
                                         const Profile& profile, const Cluster& cluster);

/// The same by numbers, for the search.
[[nodiscard]] ProgramCosts program_costs(const Program& program, const Division& division,
                                         const CostTable& table, const Cluster& cluster);

}  // namespace cadastre
