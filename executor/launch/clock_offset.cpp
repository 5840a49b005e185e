#include "executor/launch/clock_offset.h"

#include <algorithm>
#include <cmath>

namespace cadastre {

namespace {

/// A measurement counts when it is at most so much less sure than the surest.
constexpr double kMostTimesSurest = 2;

}  // namespace

void ClockOffset::add(double sent_s, double other_s, double received_s) {
  measurements_.push_back({.other_s = other_s,
                           .offset_s = other_s - (sent_s + received_s) / 2,
                           .uncertainty_s = (received_s - sent_s) / 2});
}

double ClockOffset::to_own_s(double other_s) const {
  if (measurements_.empty()) return other_s;
  const double most_s = kMostTimesSurest * surest().uncertainty_s;
  const Measurement* nearest = nullptr;
  for (const Measurement& one : measurements_)
    if (one.uncertainty_s <= most_s &&
        (nearest == nullptr ||
         std::abs(one.other_s - other_s) < std::abs(nearest->other_s - other_s)))
      nearest = &one;
  return other_s - nearest->offset_s;
}

double ClockOffset::uncertainty_s() const {
  return measurements_.empty() ? 0 : surest().uncertainty_s;
}

double ClockOffset::offset_s() const { return measurements_.empty() ? 0 : surest().offset_s; }

const ClockOffset::Measurement& ClockOffset::surest() const {
  return *std::min_element(
      measurements_.begin(), measurements_.end(),
      [](const Measurement& a, const Measurement& b) { return a.uncertainty_s < b.uncertainty_s; });
}

}  // namespace cadastre
