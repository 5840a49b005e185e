#pragma once

#include <vector>

#include "planner/conditions.h"
#include "planner/objective.h"
#include "planner/plan.h"
#include "planner/simulation.h"

namespace cadastre {

/// The document's plan and `rivals`, replayed by the simulator (a program of its own, started
/// here) under these conditions, in this order. Throws InputError where there is no simulator,
/// std::runtime_error where it fails: it says why on standard error itself.
[[nodiscard]] Simulation replayed_plans(const PlanDocument& document,
                                        const std::vector<Plan>& rivals,
                                        const Conditions& conditions = {});

/// The runners-up and baselines of `document` that could take its plan's place: they fit in memory
/// and keep the constraints, and do not average parameters, which computes another function.
[[nodiscard]] std::vector<Plan> rivals_in(const PlanDocument& document,
                                          const std::vector<Constraint>& constraints);

/// Whether both do the same, whatever strategy found them.
[[nodiscard]] bool is_same_division(const Plan& a, const Plan& b);

/// Makes `chosen` the document's plan; the plan before becomes the first of its runners-up.
void replace_plan(PlanDocument& document, const Plan& chosen);

}  // namespace cadastre
