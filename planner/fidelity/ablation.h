#pragma once

#include <string>
#include <vector>

#include "planner/fidelity/fidelity.h"
#include "planner/plan.h"

namespace cadastre {

/// A cause of step time that predictions can be made without, to see what it is worth.
struct Ablation {
  std::string name;
  std::string left_out;  ///< in words
  /// Takes the cause out of a plan's cluster and profile.
  void (*apply)(PlanDocument& document) = nullptr;
  bool is_contention = false;  ///< which no document has: hosts compute as if they were alone
};

[[nodiscard]] const std::vector<Ablation>& ablations();

/// `without`: the same points, predicted without the cause.
[[nodiscard]] AblationFigures ablation_figures(const Ablation& ablation, const Fidelity& with,
                                               const Fidelity& without);

}  // namespace cadastre
