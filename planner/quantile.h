#pragma once

#include <vector>

namespace cadastre {

/// The quantile `fraction`, in [0, 1], of values in ascending order: linear between order
/// statistics; 0 of none.
[[nodiscard]] double quantile(const std::vector<double>& ascending, double fraction);

}  // namespace cadastre
