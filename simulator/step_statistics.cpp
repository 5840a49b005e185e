#include "simulator/step_statistics.h"

#include <algorithm>
#include <cstddef>

#include "planner/quantile.h"

namespace cadastre {

StepStatistics step_statistics(const std::vector<std::vector<double>>& ends_s) {
  StepStatistics statistics;
  const std::size_t last = ends_s.front().size() - 1;
  statistics.num_steps = static_cast<std::int64_t>(last);
  for (const std::vector<double>& of_rank : ends_s)
    statistics.mean_s =
        std::max(statistics.mean_s, (of_rank[last] - of_rank[0]) / static_cast<double>(last));
  std::vector<double> steps_s;
  if (last == 1) {
    steps_s.push_back(statistics.mean_s);
  } else {
    const auto end_s = [&](std::size_t step) {
      double latest_s = 0;
      for (const std::vector<double>& of_rank : ends_s)
        latest_s = std::max(latest_s, of_rank[step]);
      return latest_s;
    };
    for (std::size_t step = 1; step <= last; ++step)
      steps_s.push_back(end_s(step) - end_s(step - 1));
    std::sort(steps_s.begin(), steps_s.end());
  }
  constexpr double kLowest = 0.05;
  constexpr double kMiddle = 0.5;
  constexpr double kHighest = 0.95;
  statistics.p5_s = quantile(steps_s, kLowest);
  statistics.median_s = quantile(steps_s, kMiddle);
  statistics.p95_s = quantile(steps_s, kHighest);
  return statistics;
}

}  // namespace cadastre
