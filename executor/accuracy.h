#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/run_record.h"

namespace cadastre {

/// Metrics of a confusion matrix, [reference][predicted], square, in the order of `class_names`.
/// Kappa of a matrix with one class only is 0 by convention. Source: Congalton 1991.
[[nodiscard]] Metrics accuracy_metrics(const std::vector<std::string>& class_names,
                                       const std::vector<std::vector<std::int64_t>>& confusion);

}  // namespace cadastre
