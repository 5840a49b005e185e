#pragma once

#include <cstdint>
#include <vector>

#include "planner/cost_model.h"
#include "planner/cost_table.h"
#include "planner/plan.h"
#include "planner/program.h"

namespace cadastre {

/// Parameters, their gradients and the optimizer's momentum are all as large.
inline constexpr std::int64_t kCopiesOfParameters = 3;

/// Bytes of memory each rank needs at its peak: parameters, their gradients and the optimizer's
/// momentum; of every micro-batch between forward and backward the tensors received and the
/// activations saved, or, where these are computed again, the inputs alone, with the activations
/// of the one micro-batch that is just between recomputation and backward.
[[nodiscard]] std::vector<std::int64_t> peak_memory_bytes(const Program& program,
                                                          const Division& division,
                                                          const CostTable& table);
[[nodiscard]] std::vector<std::int64_t> peak_memory_bytes(const Program& program, const Plan& plan,
                                                          const Profile& profile,
                                                          const Cluster& cluster);

/// Everything the cost model says of a plan.
[[nodiscard]] Prediction predict(const Plan& plan, const Profile& profile, const Cluster& cluster);

/// The same by numbers, for the search.
[[nodiscard]] Prediction predict(const Division& division, const CostTable& table,
                                 const Cluster& cluster, const NetworkCosts& network);

}  // namespace cadastre
