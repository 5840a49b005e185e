#pragma once

#include <vector>

namespace cadastre {

/// The quantile `fraction`, in [0, 1], of values in ascending order: linear between order
/// statistics; 0 of none.
[[nodiscard]] double quantile(const std::vector<double>& ascending, double fraction);

/// In any order; of an even number the mean of the two in the middle; 0 of none.
[[nodiscard]] double median(std::vector<double> values);

}  // namespace cadastre
