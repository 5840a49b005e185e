#pragma once

#include <vector>

#include "planner/cluster.h"
#include "planner/plan.h"
#include "planner/program.h"

namespace cadastre {

/// For each instruction of each rank, the bytes that it reads and writes in memory while it
/// computes: those of `layer_work`. 0 for what moves or reduces, and for layers of which only the
/// times are known.
using ProgramMemoryTraffic = std::vector<std::vector<double>>;

[[nodiscard]] ProgramMemoryTraffic program_memory_traffic(const Program& program, const Plan& plan,
                                                          const Profile& profile,
                                                          const Cluster& cluster);

}  // namespace cadastre
