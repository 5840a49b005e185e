#pragma once

#include "planner/cluster.h"
#include "planner/program.h"
#include "planner/program_costs.h"

namespace cadastre::benchmarks {

/// What one would write with SimGrid alone to see how long two steps of a program take: an actor
/// for each rank that executes, puts its messages into mailboxes without waiting, and gets what it
/// receives from there; a star of links; nothing recorded. For programs without reductions. Once in
/// a process. Returns the simulated seconds.
[[nodiscard]] double bare_simgrid_s(const Program& program, const ProgramCosts& costs,
                                    const Cluster& cluster);

}  // namespace cadastre::benchmarks
