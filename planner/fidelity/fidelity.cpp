#include "planner/fidelity/fidelity.h"

#include <algorithm>

namespace cadastre {

double relative_error(double predicted, double measured) {
  return measured > 0 ? predicted / measured - 1 : 0;
}

std::optional<double> noise_of(const FidelityPoint& point, const FidelityMethod& method) {
  if (point.runs.size() < 2) return std::nullopt;
  std::vector<double> steps_s;
  for (const FidelityRun& run : point.runs) steps_s.push_back(run.step_s);
  std::sort(steps_s.begin(), steps_s.end());
  const std::size_t wanted = std::max<std::size_t>(static_cast<std::size_t>(method.num_runs), 2);
  return relative_error(steps_s[std::min(wanted, steps_s.size()) - 1], steps_s.front());
}

bool is_disturbed(const FidelityPoint& point, const FidelityMethod& method) {
  return std::count_if(point.runs.begin(), point.runs.end(),
                       [](const FidelityRun& run) { return run.agrees; }) < method.num_runs;
}

}  // namespace cadastre
