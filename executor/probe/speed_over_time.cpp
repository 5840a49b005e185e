#include "executor/probe/speed_over_time.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace cadastre {

namespace {

/// Passes that followed each other.
struct Window {
  double seconds = 0;
  int num_passes = 0;

  [[nodiscard]] double speed() const { return num_passes / seconds; }
};

/// What is left over at the end belongs to none.
std::vector<Window> windows_of(const std::vector<double>& pass_s) {
  constexpr double kSeconds = 0.1;
  std::vector<Window> windows;
  Window window;
  for (const double seconds : pass_s) {
    window.seconds += seconds;
    ++window.num_passes;
    if (window.seconds < kSeconds) continue;
    windows.push_back(window);
    window = {};
  }
  return windows;
}

/// The speed below which the host is for a part of the time. Between the middles of windows, one
/// put after the other, linear. `windows`: ascending in speed.
double speed_at(const std::vector<Window>& windows, double part) {
  double all_s = 0;
  for (const Window& window : windows) all_s += window.seconds;
  double begin_s = 0;
  double last_at = 0;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const double at = (begin_s + windows[i].seconds / 2) / all_s;
    if (at >= part)
      return i == 0 ? windows[i].speed()
                    : std::lerp(windows[i - 1].speed(), windows[i].speed(),
                                (part - last_at) / (at - last_at));
    begin_s += windows[i].seconds;
    last_at = at;
  }
  return windows.back().speed();
}

}  // namespace

SpeedOverTime speed_over_time(const std::vector<double>& pass_s) {
  constexpr std::size_t kLeastWindows = 8;
  constexpr double kQuarter = 0.25;
  SpeedOverTime over_time{.pass = summarize(pass_s), .spread = std::nullopt};
  std::vector<Window> windows = windows_of(pass_s);
  if (windows.empty()) return over_time;
  std::sort(windows.begin(), windows.end(),
            [](const Window& a, const Window& b) { return a.speed() < b.speed(); });
  const double median = speed_at(windows, 2 * kQuarter);
  over_time.pass.median_s = 1 / median;
  if (windows.size() >= kLeastWindows)
    over_time.spread = (speed_at(windows, 3 * kQuarter) - speed_at(windows, kQuarter)) / median;
  return over_time;
}

}  // namespace cadastre
