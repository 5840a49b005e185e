#include "planner/fidelity/fidelity.h"

#include <algorithm>
#include <cmath>

namespace cadastre {

double relative_error(double predicted, double measured) {
  return measured > 0 ? predicted / measured - 1 : 0;
}

double median_run_s(const std::vector<FidelityRun>& runs) {
  std::vector<double> steps_s;
  for (const FidelityRun& run : runs) steps_s.push_back(run.step_s);
  std::sort(steps_s.begin(), steps_s.end());
  return steps_s.at((steps_s.size() - 1) / 2);
}

std::optional<double> noise_of(const FidelityPoint& point, const FidelityMethod& method) {
  if (point.runs.size() < 2) return std::nullopt;
  const double median_s = median_run_s(point.runs);
  std::vector<double> distances;
  for (const FidelityRun& run : point.runs)
    distances.push_back(std::abs(relative_error(run.step_s, median_s)));
  std::sort(distances.begin(), distances.end());
  const std::size_t wanted = std::max<std::size_t>(static_cast<std::size_t>(method.num_runs), 2);
  return distances[std::min(wanted, distances.size()) - 1];
}

bool is_disturbed(const FidelityPoint& point, const FidelityMethod& method) {
  return std::count_if(point.runs.begin(), point.runs.end(),
                       [](const FidelityRun& run) { return run.agrees; }) < method.num_runs;
}

}  // namespace cadastre
