#pragma once

#include <string>
#include <vector>

#include "planner/fidelity/assumptions.h"
#include "planner/fidelity/fidelity.h"
#include "planner/plan.h"

namespace cadastre {

/// A cause of step time that predictions can be made without, to see what it is worth.
struct Ablation {
  std::string name;
  std::string left_out;  ///< in words
  /// Takes the cause out of a plan's cluster and profile, where they have it.
  void (*apply)(PlanDocument& document) = [](PlanDocument&) {};
  bool Assumptions::*assumption = nullptr;  ///< that is not made: of what no document has
};

[[nodiscard]] const std::vector<Ablation>& ablations();

/// `without`: the same points, predicted without the cause.
[[nodiscard]] AblationFigures ablation_figures(const Ablation& ablation, const Fidelity& with,
                                               const Fidelity& without);

}  // namespace cadastre
