#pragma once

#include <optional>
#include <string>
#include <vector>

#include "planner/plan.h"

namespace cadastre {

/// What a plan is chosen by. All are minimised but throughput.
enum class Objective {
  kStepTime,    ///< seconds of a training step
  kLatency,     ///< seconds of the inference of one sample
  kThroughput,  ///< samples per second of pipelined inference
  kTraffic,     ///< bytes between hosts in training, per sample
  kMemory,      ///< greatest peak of a host, bytes
  kEnergy,  ///< joules per sample in training: the watts of all hosts in use, for the whole step
  kCost,    ///< price per million samples in training: of all hosts in use, for the whole step
};

inline constexpr int kNumObjectives = 7;

[[nodiscard]] const std::vector<std::string>& objective_names();  ///< in the enum's order
[[nodiscard]] const std::string& objective_name(Objective objective);
[[nodiscard]] const std::string& objective_unit(Objective objective);

/// In the objective's unit, of a plan with `batch_size` samples a step.
[[nodiscard]] double objective_value(const Prediction& predicted, Objective objective,
                                     std::int64_t batch_size);

/// A limit that a plan must keep, in the objective's unit: at most, or for throughput at least.
struct Constraint {
  Objective objective = Objective::kStepTime;
  double limit = 0;
  bool operator==(const Constraint&) const = default;
};

[[nodiscard]] bool keeps(const Prediction& predicted, std::int64_t batch_size,
                         const std::vector<Constraint>& constraints);

/// `value` as something to minimise, whatever the objective: seconds per sample for throughput.
[[nodiscard]] double minimised(Objective objective, double value);

}  // namespace cadastre
