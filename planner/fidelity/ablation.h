#pragma once

#include <string>
#include <vector>

#include "planner/plan.h"

namespace cadastre {

/// A cause of step time that predictions can be made without, to see what it is worth.
struct Ablation {
  std::string name;
  std::string left_out;  ///< in words
  /// Takes the cause out of a plan's cluster and profile.
  void (*apply)(PlanDocument& document) = nullptr;
};

[[nodiscard]] const std::vector<Ablation>& ablations();

}  // namespace cadastre
