#pragma once

#include <cstdint>

#include "planner/training_settings.h"

namespace cadastre {

/// The steps of a run.
struct TrainingSchedule {
  std::int64_t samples_per_pass = 1;
  std::int64_t num_steps = 0;       ///< that change parameters, unless training stops before
  std::int64_t settle_steps = 0;    ///< after these, see `TrainingSettings::settle_steps`
  std::int64_t validate_every = 0;  ///< steps; 0: never

  [[nodiscard]] std::int64_t total_steps() const { return num_steps + settle_steps; }

  /// Whether weights are to be validated after so many steps, with more steps to come.
  [[nodiscard]] bool validates_after(std::int64_t steps_done) const {
    return validate_every > 0 && steps_done < num_steps && steps_done % validate_every == 0;
  }
};

/// Samples of a pass that do not fill a batch begin the next pass's first: nothing is left out, and
/// fewer samples than a batch are enough. A run has one step at least. Where parameters are
/// averaged every `averaging_period` steps (0: they are not), they are validated just then.
[[nodiscard]] TrainingSchedule training_schedule(const TrainingSettings& training,
                                                 std::int64_t num_train_samples,
                                                 std::int64_t num_validation_samples,
                                                 std::int64_t batch_size,
                                                 std::int64_t averaging_period);

}  // namespace cadastre
