#include "planner/wait_effect.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

namespace cadastre {

namespace {

using Seconds = double LongerAfterWaiting::*;

/// What is lost in the end that fits best, never below 0.
double best_seconds(const std::vector<LongerAfterWaiting>& measured, double time_constant_s,
                    Seconds longer) {
  double products = 0;
  double squares = 0;
  for (const LongerAfterWaiting& each : measured) {
    const double part = part_lost(each.waited_s, time_constant_s);
    products += part * each.*longer;
    squares += part * part;
  }
  return squares > 0 ? std::max(0.0, products / squares) : 0;
}

WaitEffect best_effect(const std::vector<LongerAfterWaiting>& measured, double time_constant_s) {
  return {.forward_s = best_seconds(measured, time_constant_s, &LongerAfterWaiting::forward_s),
          .backward_s = best_seconds(measured, time_constant_s, &LongerAfterWaiting::backward_s),
          .update_s = best_seconds(measured, time_constant_s, &LongerAfterWaiting::update_s),
          .time_constant_s = time_constant_s};
}

double squared_error(const std::vector<LongerAfterWaiting>& measured, const WaitEffect& effect) {
  double sum = 0;
  for (const LongerAfterWaiting& each : measured) {
    const double part = part_lost(each.waited_s, effect.time_constant_s);
    sum += std::pow(part * effect.forward_s - each.forward_s, 2) +
           std::pow(part * effect.backward_s - each.backward_s, 2) +
           std::pow(part * effect.update_s - each.update_s, 2);
  }
  return sum;
}

}  // namespace

double part_lost(double waited_s, double time_constant_s) {
  return waited_s > 0 ? -std::expm1(-waited_s / time_constant_s) : 0;
}

WaitEffect fit_wait_effect(const std::vector<LongerAfterWaiting>& all) {
  std::vector<LongerAfterWaiting> measured;
  std::copy_if(all.begin(), all.end(), std::back_inserter(measured),
               [](const LongerAfterWaiting& each) { return each.waited_s > 0; });
  if (measured.empty()) return {};
  const auto [least, most] =
      std::minmax_element(measured.begin(), measured.end(),
                          [](const LongerAfterWaiting& a, const LongerAfterWaiting& b) {
                            return a.waited_s < b.waited_s;
                          });
  // Where the least wait lost nearly all, nothing tells how soon; and after the greatest, little
  // more is said to be lost than was seen.
  const double from_s = least->waited_s / 4;
  const double to_s = std::max(from_s, most->waited_s / 2);
  constexpr int kSteps = 32;
  WaitEffect best;
  double least_error = std::numeric_limits<double>::max();
  for (int step = 0; step <= kSteps; ++step) {
    const double time_constant_s =
        from_s * std::pow(to_s / from_s, static_cast<double>(step) / static_cast<double>(kSteps));
    const WaitEffect effect = best_effect(measured, time_constant_s);
    const double error = squared_error(measured, effect);
    if (error >= least_error) continue;
    least_error = error;
    best = effect;
  }
  return best.forward_s + best.backward_s + best.update_s > 0 ? best : WaitEffect{};
}

}  // namespace cadastre
