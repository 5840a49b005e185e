#include <CLI/CLI.hpp>

#include "executor/verbs.h"
#include "planner/command_line.h"
#include "planner/run_record.h"

namespace cadastre {

void add_training_options(CLI::App& app, TrainingSettings& training) {
  constexpr double kMostLearningRate = 100;
  constexpr std::int64_t kMostCount = 1'000'000'000'000;
  app.add_option("--epochs", training.epochs, "Passes over the training samples")
      ->capture_default_str()
      ->check(integer_from(1, 1000000));
  app.add_option("--samples-per-epoch", training.samples_per_epoch,
                 "Training samples of an epoch, another random part each (0: all)")
      ->capture_default_str()
      ->check(integer_from(0, kMostCount));
  app.add_option("--max-steps", training.max_steps, "Steps after which training ends (0: no limit)")
      ->capture_default_str()
      ->check(integer_from(0, kMostCount));
  app.add_option("--learning-rate", training.learning_rate,
                 "Peak of the warm-up and cosine schedule")
      ->capture_default_str()
      ->check(number_from(0, kMostLearningRate));
  app.add_option("--momentum", training.momentum, "Of stochastic gradient descent")
      ->capture_default_str()
      ->check(number_from(0, 1));
  app.add_option("--weight-decay", training.weight_decay, "L2 penalty on the parameters")
      ->capture_default_str()
      ->check(number_from(0, 1));
  app.add_option("--seed", training.seed, "Of initial parameters, sample order and dropout")
      ->capture_default_str();
}

}  // namespace cadastre
