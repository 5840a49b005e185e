#pragma once

#include "planner/cost_model.h"
#include "planner/program.h"

namespace cadastre {

/// Throws std::invalid_argument unless `program` can be replayed to its end: a sound program
/// (planner/program_check.h) on hosts among `num_hosts`, and a finite cost >= 0 for each of its
/// instructions. `lower` makes only such programs.
void check_replay(const Program& program, const ProgramCosts& costs, std::size_t num_hosts);

}  // namespace cadastre
