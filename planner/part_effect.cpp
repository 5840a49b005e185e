#include "planner/part_effect.h"

#include <algorithm>

namespace cadastre {

namespace {

double ratio(double saving, double share) { return (1 - saving * (1 - share)) / (1 - saving); }

double fit(const std::vector<PartOfNetwork>& measured, double PartSeconds::*seconds) {
  double saved_s = 0;
  double most_s = 0;
  for (const PartOfNetwork& part : measured) {
    saved_s += part.within.*seconds - part.alone.*seconds;
    most_s += part.within.*seconds * (1 - part.share);
  }
  return most_s > 0 ? std::clamp(saved_s / most_s, 0.0, kMostPartSaving) : 0;
}

}  // namespace

PartRatios part_ratios(const PartEffect& effect, double share) {
  return {.forward = ratio(effect.forward_saving, share),
          .backward = ratio(effect.backward_saving, share),
          .update = ratio(effect.update_saving, share)};
}

PartEffect fit_part_effect(const std::vector<PartOfNetwork>& measured) {
  return {.forward_saving = fit(measured, &PartSeconds::forward_s),
          .backward_saving = fit(measured, &PartSeconds::backward_s),
          .update_saving = fit(measured, &PartSeconds::update_s)};
}

}  // namespace cadastre
