#pragma once

#include <vector>

#include "planner/objective.h"
#include "planner/plan.h"

namespace cadastre {

/// Replays the document's plan and the next best of its runners-up and baselines, `count` in all,
/// in the simulator (a program of its own, started here), notes their simulated step times, and
/// makes the one that is fastest there the document's plan. A plan that averages parameters or does
/// not keep the constraints is no rival. Throws InputError where there is no simulator,
/// std::runtime_error where it fails.
void choose_by_simulation(PlanDocument& document, const std::vector<Constraint>& constraints,
                          int count);

}  // namespace cadastre
