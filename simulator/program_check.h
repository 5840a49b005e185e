#pragma once

#include "planner/cost_model.h"
#include "planner/program.h"

namespace cadastre {

/// Throws std::invalid_argument unless `program` can be replayed to its end: ranks on hosts of
/// their own among `num_hosts`, parts that go with the stages' lists and hold every instruction, a
/// finite cost >= 0 for each of these, every message sent once and received once with the same
/// bytes, the same reductions on all ranks of a stage, and no rank that waits for ever. `lower`
/// makes only such programs.
void check_program(const Program& program, const ProgramCosts& costs, std::size_t num_hosts);

}  // namespace cadastre
