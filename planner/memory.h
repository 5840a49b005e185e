#pragma once

#include <cstdint>
#include <vector>

#include "planner/cluster.h"
#include "planner/cost_table.h"
#include "planner/division.h"
#include "planner/plan.h"
#include "planner/program.h"

namespace cadastre {

/// What a rank holds while it is in an instruction, and once it is through.
struct InstructionMemory {
  std::int64_t during_bytes = 0;
  std::int64_t after_bytes = 0;
};

/// Bytes of memory of one rank through a step: parameters, their gradients and the optimizer's
/// state all the time; of every micro-batch between forward and backward the tensors received
/// and the activations saved, or, where these are computed again, the inputs alone, with the
/// activations of the one micro-batch that is just between recomputation and backward. A server or
/// driver of reductions that is no replica holds the sums while it makes them.
///
/// Not modelled: what the backward pass frees layer by layer, copies in the wire's type.
struct RankMemory {
  std::int64_t resident_bytes = 0;              ///< before the first instruction
  std::vector<InstructionMemory> instructions;  ///< in the program's order

  [[nodiscard]] std::int64_t peak_bytes() const;
};

[[nodiscard]] std::vector<RankMemory> program_memory(const Program& program,
                                                     const Division& division,
                                                     const CostTable& table);
[[nodiscard]] std::vector<RankMemory> program_memory(const Program& program, const Plan& plan,
                                                     const Profile& profile,
                                                     const Cluster& cluster);

/// The peak alone, for the search.
[[nodiscard]] std::vector<std::int64_t> peak_memory_bytes(const Program& program,
                                                          const Division& division,
                                                          const CostTable& table);
[[nodiscard]] std::vector<std::int64_t> peak_memory_bytes(const Program& program, const Plan& plan,
                                                          const Profile& profile,
                                                          const Cluster& cluster);

}  // namespace cadastre
