#pragma once

#include <cmath>

namespace cadastre {

/// The upper quartile of the standard normal distribution.
inline constexpr double kUpperQuartileOfNormal = 0.6744897501960817;

/// Standard deviation of the logarithm of a log-normal variable of median 1 whose quartiles are
/// `relative_spread` (>= 0) apart. They are exp(-+0.6745 sigma): 2 sinh(0.6745 sigma) apart.
[[nodiscard]] inline double log_normal_deviation(double relative_spread) {
  return std::asinh(relative_spread / 2) / kUpperQuartileOfNormal;
}

}  // namespace cadastre
