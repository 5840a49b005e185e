#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "executor/stage_part.h"
#include "executor/weights.h"

namespace cadastre {

/// What training goes on from, of some layers; keyed by layer, so that it fits any division. What
/// else a step depends on (samples, dropout, learning rate) follows from seed and step.
struct TrainingState {
  Weights weights;    ///< parameters and running statistics, as `stage_weights`
  Weights optimizer;  ///< by "momentum/", or "mean/" and "square/", and "average/", before the name
};

/// A copy, so that training may go on. At the end of a step.
[[nodiscard]] TrainingState training_state(const StagePart& part);

/// The part goes on as if it had taken `num_steps` steps to here. Throws InputError in the name of
/// `file` for what is missing or has another shape.
void restore(StagePart& part, const TrainingState& state, OptimizerKind kind, bool averages_weights,
             std::int64_t num_steps, const std::filesystem::path& file);

}  // namespace cadastre
