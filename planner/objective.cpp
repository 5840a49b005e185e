#include "planner/objective.h"

#include <algorithm>
#include <limits>

namespace cadastre {

const std::vector<std::string>& objective_names() {
  static const std::vector<std::string> names = {"step-time", "latency", "throughput", "traffic",
                                                 "memory",    "energy",  "cost"};
  return names;
}

const std::string& objective_name(Objective objective) {
  return objective_names()[static_cast<std::size_t>(objective)];
}

const std::string& objective_unit(Objective objective) {
  static const std::vector<std::string> units = {
      "s", "s", "samples/s", "bytes/sample", "bytes", "J/sample", "per million samples"};
  return units[static_cast<std::size_t>(objective)];
}

double objective_value(const Prediction& predicted, Objective objective, std::int64_t batch_size) {
  const auto samples = static_cast<double>(batch_size);
  constexpr double kMillion = 1e6;
  switch (objective) {
    case Objective::kStepTime:
      return predicted.step_s;
    case Objective::kLatency:
      return predicted.latency_s;
    case Objective::kThroughput:
      return predicted.inference_samples_per_s;
    case Objective::kTraffic:
      return static_cast<double>(predicted.traffic_bytes_per_step) / samples;
    case Objective::kMemory:
      return static_cast<double>(predicted.peak_memory_bytes);
    case Objective::kEnergy:
      return predicted.energy_j_per_step / samples;
    case Objective::kCost:
      return predicted.price_per_step / samples * kMillion;
  }
  return 0;
}

double minimised(Objective objective, double value) {
  if (objective != Objective::kThroughput) return value;
  return value > 0 ? 1 / value : std::numeric_limits<double>::infinity();
}

bool keeps(const Prediction& predicted, std::int64_t batch_size,
           const std::vector<Constraint>& constraints) {
  return std::all_of(constraints.begin(), constraints.end(), [&](const Constraint& constraint) {
    return minimised(constraint.objective,
                     objective_value(predicted, constraint.objective, batch_size)) <=
           minimised(constraint.objective, constraint.limit);
  });
}

}  // namespace cadastre
