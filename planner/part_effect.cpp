#include "planner/part_effect.h"

#include <algorithm>
#include <utility>

#include "planner/quantile.h"

namespace cadastre {

namespace {

double ratio(double saving, double share) { return (1 - saving * (1 - share)) / (1 - saving); }

double median_saving(const std::vector<std::vector<PartOfNetwork>>& times,
                     double PartSeconds::*seconds) {
  std::vector<double> savings;
  for (const std::vector<PartOfNetwork>& parts : times) {
    double saved_s = 0;
    double most_s = 0;
    for (const PartOfNetwork& part : parts) {
      saved_s += part.within.*seconds - part.alone.*seconds;
      most_s += part.within.*seconds * (1 - part.share);
    }
    if (most_s > 0) savings.push_back(saved_s / most_s);
  }
  return std::clamp(median(std::move(savings)), 0.0, kMostPartSaving);
}

}  // namespace

PartRatios part_ratios(const PartEffect& effect, double share) {
  return {.forward = ratio(effect.forward_saving, share),
          .backward = ratio(effect.backward_saving, share),
          .update = ratio(effect.update_saving, share)};
}

PartEffect fit_part_effect(const std::vector<std::vector<PartOfNetwork>>& times) {
  return {.forward_saving = median_saving(times, &PartSeconds::forward_s),
          .backward_saving = median_saving(times, &PartSeconds::backward_s),
          .update_saving = median_saving(times, &PartSeconds::update_s)};
}

}  // namespace cadastre
