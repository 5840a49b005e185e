#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "planner/optimizer.h"

namespace cadastre {

class JsonPlace;

/// What the network is punished for.
struct LossSettings {
  /// Weights of the classes, proportional to (samples of the class)^-power; 0: all are equal.
  double class_weight_power = 0;
  double focal_gamma = 0;      ///< Lin et al. 2017, equation 4; 0: plain cross-entropy
  double label_smoothing = 0;  ///< Szegedy et al. 2016, section 7
  bool operator==(const LossSettings&) const = default;
};

/// How the samples of a step are varied. Values are standardised, so magnitudes are in standard
/// deviations of a band over the training area. They are for modalities of 20 bands or more; one of
/// few bands, each of which tells more, is varied less (`drawn_variation`). And they are for few
/// samples: many vary enough by themselves (`varied_for`).
struct Augmentation {
  bool dihedral = false;        ///< one of the 8 views of a square, the same for all modalities
  double gain = 0;              ///< a modality's factor is 1 + gain · N(0, 1)
  double offset = 0;            ///< a modality's offset is offset · N(0, 1)
  double noise = 0;             ///< added to each value: noise · N(0, 1)
  double band_dropout = 0;      ///< chance that a band is 0; of modalities of 4 bands or more
  double modality_dropout = 0;  ///< chance that a modality is 0; of models with two or more
  /// Training samples beyond which all magnitudes but that of `modality_dropout` are less, by the
  /// square root of this number over theirs; 0: they never are.
  std::int64_t few_samples = 0;
  bool operator==(const Augmentation&) const = default;
};

/// As it is for so many training samples.
[[nodiscard]] Augmentation varied_for(const Augmentation& augmentation, std::int64_t num_samples);

/// A band, or a modality, is not left out more often than that.
inline constexpr double kMostDropout = 0.95;

/// How a network is trained, whatever its division. The defaults are those of documents that do not
/// say; `recommended_training` has the ones that runs start from.
struct TrainingSettings {
  std::int64_t epochs = 1;             ///< passes over the samples, where `steps` is 0
  std::int64_t samples_per_epoch = 0;  ///< 0: all training samples
  std::int64_t max_steps = 0;          ///< 0: no limit
  std::int64_t steps = 0;              ///< so many, whatever the number of samples; 0: by epochs
  OptimizerKind optimizer = OptimizerKind::kSgd;
  double learning_rate = 0.05;  ///< peak; warm-up, then cosine to 0
  double momentum = 0.9;        ///< of SGD
  double weight_decay = 1e-4;   ///< of weights; biases and batch norm have none
  /// Of the moving average of the weights, which is what is written and tested: average = decay ·
  /// average + (1 - decay) · weights after each step. 0: none.
  double average_decay = 0;
  /// Steps at the end, beyond the others, that change no parameter: batch norm's running statistics
  /// are taken anew, of the final weights and of samples that are not varied.
  std::int64_t settle_steps = 0;
  LossSettings loss;
  /// Samples of a class are drawn in proportion to (its samples)^balance: 1: as they are, 0: every
  /// class as often.
  double class_balance = 1;
  Augmentation augmentation;
  std::int64_t validate_every = 0;  ///< steps; 0: every epoch, or 20 times in a number of steps
  std::int64_t patience = 0;  ///< validations without a better one after which to stop; 0: never
  std::int64_t seed = 1;
  bool operator==(const TrainingSettings&) const = default;
};

/// One set for every scene; only the learning rate and the weight decay depend on the optimizer.
[[nodiscard]] TrainingSettings recommended_training(OptimizerKind optimizer);

[[nodiscard]] TrainingSettings training_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const TrainingSettings& training);

}  // namespace cadastre
