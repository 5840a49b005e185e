#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "planner/training_settings.h"

namespace CLI {
class App;
}

namespace cadastre {

/// What a command line says of training; what it does not say is as recommended.
struct TrainingOptions {
  std::optional<std::int64_t> steps;
  std::optional<std::int64_t> epochs;
  std::optional<std::int64_t> samples_per_epoch;
  std::optional<std::int64_t> max_steps;
  std::string optimizer;  ///< empty: the plan's
  std::optional<double> learning_rate;
  std::optional<double> momentum;
  std::optional<double> weight_decay;
  std::optional<double> average_decay;
  std::optional<std::int64_t> settle_steps;
  std::optional<double> class_weight_power;
  std::optional<double> focal_gamma;
  std::optional<double> label_smoothing;
  std::optional<double> class_balance;
  bool no_augmentation = false;
  std::optional<double> gain;
  std::optional<double> offset;
  std::optional<double> noise;
  std::optional<double> band_dropout;
  std::optional<double> modality_dropout;
  std::optional<std::int64_t> validate_every;
  std::optional<std::int64_t> patience;
  std::int64_t seed = 1;
};

/// --steps, --learning-rate and the like, of a run.
void add_training_options(CLI::App& app, TrainingOptions& options);

/// The settings of a run by a plan that counts on `planned`. Throws InputError.
[[nodiscard]] TrainingSettings chosen_training(const TrainingOptions& options,
                                               const Optimizer& planned);

}  // namespace cadastre
