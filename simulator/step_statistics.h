#pragma once

#include <vector>

#include "planner/simulation.h"

namespace cadastre {

/// Of `ends_s` [rank][step], the times at which each rank ended each step; the first step is not
/// measured. Of one measured step, every figure is the longest that any rank took from its end of
/// the first to its end of the second; of more, a step is from when the last rank ended the one
/// before to when the last rank ended it. Percentiles by linear interpolation between order
/// statistics (Hyndman and Fan 1996, definition 7).
[[nodiscard]] StepStatistics step_statistics(const std::vector<std::vector<double>>& ends_s);

}  // namespace cadastre
