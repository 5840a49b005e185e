#include <CLI/CLI.hpp>
#include <algorithm>

#include "executor/training_options.h"
#include "executor/verbs.h"
#include "planner/command_line.h"
#include "planner/error.h"

namespace cadastre {

TrainingSettings chosen_training(const TrainingOptions& options, const Optimizer& planned) {
  const OptimizerKind kind =
      options.optimizer.empty() ? planned.kind : optimizer_option(options.optimizer);
  TrainingSettings training = recommended_training(kind);
  // What the plan has no memory for is not kept, unless it is asked for.
  if (!planned.averages_weights) training.average_decay = 0;
  if (options.epochs && options.steps)
    throw InputError("--epochs", "", "expected no such option together with --steps");
  if (options.epochs) {
    training.epochs = *options.epochs;
    training.steps = 0;
  }
  if (options.no_augmentation) training.augmentation = {};
  const auto take = [](auto& setting, const auto& option) {
    if (option) setting = *option;
  };
  take(training.steps, options.steps);
  take(training.samples_per_epoch, options.samples_per_epoch);
  take(training.max_steps, options.max_steps);
  take(training.learning_rate, options.learning_rate);
  take(training.momentum, options.momentum);
  take(training.weight_decay, options.weight_decay);
  take(training.average_decay, options.average_decay);
  take(training.settle_steps, options.settle_steps);
  take(training.loss.class_weight_power, options.class_weight_power);
  take(training.loss.focal_gamma, options.focal_gamma);
  take(training.loss.label_smoothing, options.label_smoothing);
  take(training.class_balance, options.class_balance);
  take(training.augmentation.gain, options.gain);
  take(training.augmentation.offset, options.offset);
  take(training.augmentation.noise, options.noise);
  take(training.augmentation.band_dropout, options.band_dropout);
  take(training.augmentation.modality_dropout, options.modality_dropout);
  take(training.validate_every, options.validate_every);
  take(training.patience, options.patience);
  training.seed = options.seed;
  return training;
}

void add_training_options(CLI::App& app, TrainingOptions& options) {
  constexpr double kLeastLearningRate = 1e-9;
  constexpr double kMostLearningRate = 100;
  constexpr std::int64_t kMostCount = 1'000'000'000'000;
  const TrainingSettings usual = recommended_training(OptimizerKind::kAdamW);
  const auto usually = [](const std::string& text, double value) {
    return text + " (default: " + CLI::detail::to_string(value) + ")";
  };
  const auto count = [&](const char* name, auto& option, std::int64_t least,
                         const std::string& text) {
    app.add_option(name, option, text)->check(integer_from(least, kMostCount));
  };
  const auto number = [&](const char* name, auto& option, double most, const std::string& text) {
    app.add_option(name, option, text)->check(number_from(0, most));
  };
  count("--steps", options.steps, 1,
        "Steps of training, whatever the number of samples (default: " +
            std::to_string(usual.steps) + ")");
  app.add_option("--epochs", options.epochs, "Instead: passes over the training samples")
      ->check(integer_from(1, 1000000));
  count("--samples-per-epoch", options.samples_per_epoch, 0,
        "Training samples of a pass, another random part each (default: all)");
  count("--max-steps", options.max_steps, 0, "Steps after which training ends in any case");
  app.add_option("--optimizer", options.optimizer, "adamw or sgd (default: as planned)");
  // Not 0, as a run's document says too: nothing would be learnt.
  app.add_option("--learning-rate", options.learning_rate,
                 "Peak of the warm-up and cosine schedule (default: 0.003 of adamw, 0.05 of sgd)")
      ->check(number_from(kLeastLearningRate, kMostLearningRate));
  number("--momentum", options.momentum, 1, "Of sgd (default: 0.9)");
  number("--weight-decay", options.weight_decay, 1,
         "Of weights, not of biases and batch norm (default: 0.02 of adamw, 0.0001 of sgd)");
  number("--average-decay", options.average_decay, 1,
         usually("Of the moving average of the weights, which is what is kept; 0: none",
                 usual.average_decay));
  count("--settle-steps", options.settle_steps, 0,
        "Steps at the end that take batch norm's statistics anew (default: " +
            std::to_string(usual.settle_steps) + ")");
  number("--class-weights", options.class_weight_power, 1,
         "Power p of a class's weight in the loss, (its samples)^-p (default: 0, all are equal)");
  number("--focal-loss", options.focal_gamma, 10,
         "Gamma of the focal loss (default: 0, plain cross-entropy)");
  number("--label-smoothing", options.label_smoothing, 1,
         usually("Part of a label that is spread over all classes", usual.loss.label_smoothing));
  number("--class-balance", options.class_balance, 1,
         usually("Power p of how often a class is drawn, (its samples)^p: 1 as they are, 0 all as "
                 "often",
                 usual.class_balance));
  app.add_flag("--no-augmentation", options.no_augmentation,
               "Learn from samples as they are, but for what the next options ask for");
  number("--gain", options.gain, 10,
         usually("Spread of a random factor of each modality", usual.augmentation.gain));
  number("--offset", options.offset, 10,
         usually("Spread of a random offset of each modality, in standard deviations",
                 usual.augmentation.offset));
  number("--noise", options.noise, 10,
         usually("Spread of noise on each value, in standard deviations",
                 usual.augmentation.noise));
  number("--band-dropout", options.band_dropout, kMostDropout,
         usually("Chance that a band is left out of a sample", usual.augmentation.band_dropout));
  number("--modality-dropout", options.modality_dropout, kMostDropout,
         usually("Chance that a modality is left out of a sample",
                 usual.augmentation.modality_dropout));
  count("--validate-every", options.validate_every, 0,
        "Steps between validations, where the scene has validation samples (default: an epoch, or "
        "20 times)");
  count("--early-stopping", options.patience, 0,
        "Validations without a better kappa after which training stops (default: it never does)");
  app.add_option("--seed", options.seed, "Of everything that is random")->capture_default_str();
}

}  // namespace cadastre
