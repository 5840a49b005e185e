#include "planner/fidelity/fidelity.h"

#include <algorithm>

namespace cadastre {

double relative_error(double predicted, double measured) {
  return measured > 0 ? predicted / measured - 1 : 0;
}

double noise_of(const FidelityPoint& point) {
  double least_s = 0;
  double most_s = 0;
  for (const FidelityRun& run : point.runs) {
    if (!run.agrees) continue;
    least_s = least_s > 0 ? std::min(least_s, run.step_s) : run.step_s;
    most_s = std::max(most_s, run.step_s);
  }
  return relative_error(most_s, least_s);
}

bool is_disturbed(const FidelityPoint& point, const FidelityMethod& method) {
  return std::count_if(point.runs.begin(), point.runs.end(),
                       [](const FidelityRun& run) { return run.agrees; }) < method.num_runs;
}

}  // namespace cadastre
