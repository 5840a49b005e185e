#include "planner/cache_effect.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

namespace cadastre {

namespace {

double part_lost(double bytes_beside, double bytes) {
  return bytes > 0 ? std::min(1.0, bytes_beside / bytes) : 1;
}

/// The effect at those bytes that fits best, never below 0.
double best_ratio(const std::vector<BackwardBeside>& measured, double bytes) {
  double products = 0;
  double squares = 0;
  for (const BackwardBeside& each : measured) {
    const double part = part_lost(each.bytes_beside, bytes);
    products += part * (each.ratio - 1);
    squares += part * part;
  }
  return squares > 0 ? 1 + std::max(0.0, products / squares) : 1;
}

double squared_error(const std::vector<BackwardBeside>& measured, const CacheEffect& effect) {
  double sum = 0;
  for (const BackwardBeside& each : measured)
    sum += std::pow(backward_ratio(effect, each.bytes_beside) - each.ratio, 2);
  return sum;
}

}  // namespace

double backward_ratio(const CacheEffect& effect, double bytes_beside) {
  if (!(bytes_beside > 0)) return 1;
  return 1 + (effect.backward_ratio - 1) * part_lost(bytes_beside, effect.bytes);
}

CacheEffect fit_cache_effect(const std::vector<BackwardBeside>& all) {
  // Beside nothing that is kept, there is nothing to learn.
  std::vector<BackwardBeside> measured;
  std::copy_if(all.begin(), all.end(), std::back_inserter(measured),
               [](const BackwardBeside& each) { return each.bytes_beside > 0; });
  CacheEffect best;
  if (measured.empty()) return best;
  const auto [least, most] = std::minmax_element(
      measured.begin(), measured.end(), [](const BackwardBeside& a, const BackwardBeside& b) {
        return a.bytes_beside < b.bytes_beside;
      });
  // Between the measurements, and not beyond: the line would have no end.
  constexpr int kSteps = 32;
  double least_error = std::numeric_limits<double>::max();
  for (int step = 0; step <= kSteps; ++step) {
    CacheEffect effect;
    effect.bytes =
        least->bytes_beside * std::pow(most->bytes_beside / least->bytes_beside,
                                       static_cast<double>(step) / static_cast<double>(kSteps));
    effect.backward_ratio = best_ratio(measured, effect.bytes);
    const double error = squared_error(measured, effect);
    if (error >= least_error) continue;
    least_error = error;
    best = effect;
  }
  return best.backward_ratio > 1 ? best : CacheEffect{};
}

}  // namespace cadastre
