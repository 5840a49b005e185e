#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "planner/conditions.h"
#include "planner/plan.h"
#include "planner/simulation.h"
#include "simulator/replay.h"

namespace cadastre {

struct SimulateOptions {
  Conditions conditions;
  std::string conditions_file;    ///< for what is refused
  bool meter_links = true;        ///< of the document's plan
  std::string paje_file;          ///< a Paje trace of the document's plan; none when empty
  std::size_t max_processes = 0;  ///< simulations at the same time; 0: as many as there are cores
  /// Called after each plan, with the number of plans done and the strategy of the last.
  std::function<void(std::size_t, const std::string&)> on_finished;
};

/// Replays the plan of a checked document and all its alternatives, each in a process of its own.
/// When a simulation fails, the others are finished and then std::runtime_error names every plan
/// that failed and why. Throws InputError for conditions that do not go with the document's plan.
[[nodiscard]] Simulation simulate(const PlanDocument& document,
                                  const SimulateOptions& options = {});

/// Index of the plan with the least simulated step among those that fit in memory; the earliest of
/// those that are equal up to rounding, 0 when none fits.
[[nodiscard]] int best_plan(const Simulation& simulation);

/// Sets the simulated step of every plan of `document`, and makes the best of `simulation`, which
/// must be of this document, its plan: the two exchange places, all else stays.
void choose_best(PlanDocument& document, const Simulation& simulation);

/// Replays one plan of a document, here: once in a process (see `replay`).
[[nodiscard]] SimulatedPlan simulate_plan(const Plan& plan, const PlanDocument& document,
                                          const ReplayOptions& options);

}  // namespace cadastre
