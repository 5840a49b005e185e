#include "planner/quantile.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace cadastre {

double quantile(const std::vector<double>& ascending, double fraction) {
  if (ascending.empty()) return 0;
  const double position = fraction * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, ascending.size() - 1);
  return std::lerp(ascending[below], ascending[above], position - std::floor(position));
}

double median(std::vector<double> values) {
  constexpr double kHalf = 0.5;
  std::sort(values.begin(), values.end());
  return quantile(values, kHalf);
}

}  // namespace cadastre
