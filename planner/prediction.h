#pragma once

#include <cstdint>
#include <vector>

#include "planner/plan.h"
#include "planner/program.h"

namespace cadastre {

/// Bytes of memory each rank needs at its peak: parameters, their gradients and the optimizer's
/// momentum, and the saved activations of every micro-batch that is between forward and backward.
[[nodiscard]] std::vector<std::int64_t> peak_memory_bytes(const Program& program, const Plan& plan,
                                                          const Profile& profile);

/// Everything the cost model says of a plan.
[[nodiscard]] Prediction predict(const Plan& plan, const Profile& profile, const Cluster& cluster);

}  // namespace cadastre
