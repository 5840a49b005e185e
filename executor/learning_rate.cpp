#include "executor/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cadastre {

double learning_rate(double peak, std::int64_t step, std::int64_t num_steps) {
  constexpr std::int64_t kMostWarmUpSteps = 100;
  const std::int64_t warm_up = std::min(kMostWarmUpSteps, num_steps / 10);
  if (step < warm_up)
    return peak * static_cast<double>(step + 1) / static_cast<double>(warm_up + 1);
  const double fraction = static_cast<double>(step - warm_up) /
                          static_cast<double>(std::max<std::int64_t>(1, num_steps - warm_up));
  return peak * 0.5 * (1 + std::cos(std::numbers::pi * fraction));
}

}  // namespace cadastre
