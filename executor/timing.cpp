#include "executor/timing.h"

#include <algorithm>
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

double steady_clock_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace cadastre
