#include "executor/probe/speed_spread.h"

#include <cstddef>

#include "executor/timing.h"

namespace cadastre {

std::optional<double> speed_spread(const std::vector<double>& pass_s) {
  constexpr double kWindowSeconds = 0.1;
  constexpr std::size_t kLeastWindows = 8;
  std::vector<double> speeds;
  double window_s = 0;
  int num_passes = 0;
  for (const double seconds : pass_s) {
    window_s += seconds;
    ++num_passes;
    if (window_s < kWindowSeconds) continue;
    speeds.push_back(num_passes / window_s);
    window_s = 0;
    num_passes = 0;
  }
  if (speeds.size() < kLeastWindows) return std::nullopt;
  // Of any numbers: these are no seconds.
  const TimingSummary summary = summarize(speeds);
  return summary.spread_s / summary.median_s;
}

}  // namespace cadastre
