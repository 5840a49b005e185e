#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace cadastre {

/// Median and distance between the quartiles of repeated timings.
struct TimingSummary {
  double median_s = 0;
  double spread_s = 0;
};

/// Quantiles interpolate linearly between order statistics. Throws std::invalid_argument when
/// `seconds` is empty.
[[nodiscard]] TimingSummary summarize(std::vector<double> seconds);

/// The quantile `fraction`, in [0, 1], likewise.
[[nodiscard]] double quantile_of(std::vector<double> seconds, double fraction);

/// The means of `count` timings after another each, of all that are whole.
[[nodiscard]] std::vector<double> means_of(const std::vector<double>& seconds, std::int64_t count);

/// Seconds on the clock that all processes of a machine share.
[[nodiscard]] double steady_clock_s();

/// Seconds since it was made.
class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

template <typename Work>
[[nodiscard]] double seconds_of(const Work& work) {
  const Stopwatch stopwatch;
  work();
  return stopwatch.seconds();
}

}  // namespace cadastre
