#include "executor/training_schedule.h"

#include <algorithm>

namespace cadastre {

TrainingSchedule training_schedule(const TrainingSettings& training, std::int64_t num_train_samples,
                                   std::int64_t num_validation_samples, std::int64_t batch_size,
                                   std::int64_t averaging_period) {
  constexpr std::int64_t kValidations = 20;
  TrainingSchedule schedule;
  schedule.samples_per_pass = training.samples_per_epoch > 0
                                  ? std::min(num_train_samples, training.samples_per_epoch)
                                  : num_train_samples;
  const bool by_epochs = training.steps == 0;
  schedule.num_steps = by_epochs ? training.epochs * schedule.samples_per_pass / batch_size
                                 : training.steps;
  if (training.max_steps > 0) schedule.num_steps = std::min(schedule.num_steps, training.max_steps);
  schedule.num_steps = std::max<std::int64_t>(1, schedule.num_steps);
  schedule.settle_steps = training.settle_steps;
  if (num_validation_samples == 0) return schedule;
  std::int64_t every = training.validate_every;
  if (every == 0)
    every = by_epochs ? schedule.samples_per_pass / batch_size
                      : (schedule.num_steps + kValidations - 1) / kValidations;
  every = std::max<std::int64_t>(1, every);
  if (averaging_period > 0)
    every = (every + averaging_period - 1) / averaging_period * averaging_period;
  schedule.validate_every = every;
  return schedule;
}

}  // namespace cadastre
