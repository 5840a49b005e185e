#pragma once

#include <cstdint>
#include <vector>

#include "planner/plan.h"
#include "planner/program.h"

namespace cadastre {

/// A stage's layers as indices in the model, and their sums.
struct StageSize {
  std::vector<std::size_t> layers;
  std::int64_t parameter_bytes = 0;
  std::int64_t saved_bytes_per_sample = 0;
};

[[nodiscard]] std::vector<StageSize> stage_sizes(const Plan& plan, const Profile& profile);

/// Seconds that each instruction computes on its rank, in the program's order; 0 for sends,
/// receives and reductions, whose time is the network's. The cost model and the simulator both
/// start from these.
using ProgramCosts = std::vector<std::vector<double>>;

[[nodiscard]] ProgramCosts program_costs(const Program& program, const Plan& plan,
                                         const Profile& profile, const Cluster& cluster);

}  // namespace cadastre
