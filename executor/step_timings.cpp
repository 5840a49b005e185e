#include "executor/step_timings.h"

#include <algorithm>
#include <functional>

#include "executor/timing.h"

namespace cadastre {

double StepTimings::taken_s(std::int64_t batch_size, StepPart part) const {
  return whole_to_parts(batch_size) * quantile_s(batch_size, seconds_.at(batch_size).at(part));
}

double StepTimings::quantile_s(std::int64_t batch_size, const std::vector<double>& seconds) const {
  return quantile_of(means_of(seconds, most_samples_ / batch_size), quantile_);
}

double StepTimings::whole_to_parts(std::int64_t batch_size) const {
  std::vector<double> whole;
  double sum_of_parts_s = 0;
  for (const auto& [part, seconds] : seconds_.at(batch_size)) {
    sum_of_parts_s += quantile_s(batch_size, seconds);
    whole.resize(seconds.size());
    std::transform(whole.begin(), whole.end(), seconds.begin(), whole.begin(), std::plus<>());
  }
  return sum_of_parts_s > 0 ? quantile_s(batch_size, whole) / sum_of_parts_s : 1;
}

}  // namespace cadastre
