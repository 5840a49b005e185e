#include "executor/timing.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "planner/quantile.h"

namespace cadastre {

TimingSummary summarize(std::vector<double> seconds) {
  if (seconds.empty()) throw std::invalid_argument("no timings to summarize");
  std::sort(seconds.begin(), seconds.end());
  return {.median_s = quantile(seconds, 0.5),
          .spread_s = quantile(seconds, 0.75) - quantile(seconds, 0.25)};
}

double quantile_of(std::vector<double> seconds, double fraction) {
  if (seconds.empty()) throw std::invalid_argument("no timings to take a quantile of");
  std::sort(seconds.begin(), seconds.end());
  return quantile(seconds, fraction);
}

std::vector<double> means_of(const std::vector<double>& seconds, std::int64_t count) {
  std::vector<double> means;
  for (auto begin = seconds.begin(); seconds.end() - begin >= count; begin += count)
    means.push_back(std::accumulate(begin, begin + count, 0.0) / static_cast<double>(count));
  return means;
}

double steady_clock_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace cadastre
