#include "executor/step_timings.h"

#include <algorithm>
#include <functional>

#include "executor/timing.h"

namespace cadastre {

void StepTimings::end_step(std::int64_t size) {
  for (const auto& [part, seconds] : step_) seconds_[size][part].push_back(seconds);
  step_.clear();
}

double StepTimings::taken_s(std::int64_t size, StepPart part) const {
  return whole_to_parts(size) * quantile_s(seconds_.at(size).at(part));
}

double StepTimings::quantile_s(const std::vector<double>& seconds) const {
  return quantile_of(seconds, quantile_);
}

std::vector<double> StepTimings::whole_steps(const PartSeconds& parts) {
  std::vector<double> whole;
  for (const auto& [part, seconds] : parts) {
    whole.resize(seconds.size());
    std::transform(whole.begin(), whole.end(), seconds.begin(), whole.begin(), std::plus<>());
  }
  return whole;
}

double StepTimings::step_spread() const {
  double sum = 0;
  for (const auto& [size, parts] : seconds_) {
    const TimingSummary whole = summarize(whole_steps(parts));
    if (whole.median_s > 0) sum += whole.spread_s / whole.median_s;
  }
  return seconds_.empty() ? 0 : sum / static_cast<double>(seconds_.size());
}

double StepTimings::whole_to_parts(std::int64_t size) const {
  double sum_of_parts_s = 0;
  for (const auto& [part, seconds] : seconds_.at(size)) sum_of_parts_s += quantile_s(seconds);
  return sum_of_parts_s > 0 ? quantile_s(whole_steps(seconds_.at(size))) / sum_of_parts_s : 1;
}

}  // namespace cadastre
