#include "planner/training_settings.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "planner/json_reader.h"

namespace cadastre {

namespace {

double number_or(JsonObject& object, const char* key, double fallback, double least, double most) {
  const auto place = object.find(key);
  return place ? place->number(least, most) : fallback;
}

std::int64_t count_or(JsonObject& object, const char* key, std::int64_t fallback) {
  const auto place = object.find(key);
  return place ? place->integer(0) : fallback;
}

constexpr double kMost = 1e6;

LossSettings read_loss(const JsonPlace& place) {
  JsonObject object = place.object();
  LossSettings loss;
  loss.class_weight_power = number_or(object, "class_weight_power", 0, 0, 1);
  loss.focal_gamma = number_or(object, "focal_gamma", 0, 0, kMost);
  loss.label_smoothing = number_or(object, "label_smoothing", 0, 0, 1);
  object.finish();
  return loss;
}

Augmentation read_augmentation(const JsonPlace& place) {
  JsonObject object = place.object();
  Augmentation augmentation;
  if (const auto dihedral = object.find("dihedral")) augmentation.dihedral = dihedral->boolean();
  augmentation.gain = number_or(object, "gain", 0, 0, kMost);
  augmentation.offset = number_or(object, "offset", 0, 0, kMost);
  augmentation.noise = number_or(object, "noise", 0, 0, kMost);
  augmentation.band_dropout = number_or(object, "band_dropout", 0, 0, kMostDropout);
  augmentation.modality_dropout = number_or(object, "modality_dropout", 0, 0, kMostDropout);
  augmentation.few_samples = count_or(object, "few_samples", 0);
  object.finish();
  return augmentation;
}

}  // namespace

Augmentation varied_for(const Augmentation& augmentation, std::int64_t num_samples) {
  if (augmentation.few_samples == 0 || num_samples <= augmentation.few_samples)
    return augmentation;
  const double part = std::sqrt(static_cast<double>(augmentation.few_samples) /
                                static_cast<double>(num_samples));
  Augmentation varied = augmentation;
  varied.gain *= part;
  varied.offset *= part;
  varied.noise *= part;
  varied.band_dropout *= part;
  return varied;
}

TrainingSettings recommended_training(OptimizerKind optimizer) {
  TrainingSettings training;
  training.steps = 1500;
  training.optimizer = optimizer;
  const bool is_adamw = optimizer == OptimizerKind::kAdamW;
  training.learning_rate = is_adamw ? 3e-3 : 0.05;
  training.weight_decay = is_adamw ? 0.02 : 1e-4;
  training.average_decay = 0.99;
  training.loss.label_smoothing = 0.05;
  training.class_balance = 0.5;
  training.augmentation = {.dihedral = true,
                           .gain = 0.2,
                           .offset = 0.2,
                           .noise = 0.3,
                           .band_dropout = 0.3,
                           .few_samples = 4000};
  return training;
}

TrainingSettings training_from_json(const JsonPlace& place) {
  JsonObject object = place.object();
  TrainingSettings training;
  training.epochs = object.at("epochs").integer(1);
  training.samples_per_epoch = object.at("samples_per_epoch").integer(0);
  training.max_steps = object.at("max_steps").integer(0);
  training.steps = count_or(object, "steps", 0);
  if (const auto name = object.find("optimizer"))
    training.optimizer = static_cast<OptimizerKind>(name->one_of(optimizer_names()));
  training.learning_rate = object.at("learning_rate").positive();
  training.momentum = object.at("momentum").number(0, 1);
  training.weight_decay = object.at("weight_decay").number(0);
  training.average_decay = number_or(object, "average_decay", 0, 0, 1);
  training.settle_steps = count_or(object, "settle_steps", 0);
  if (const auto loss = object.find("loss")) training.loss = read_loss(*loss);
  training.class_balance = number_or(object, "class_balance", 1, 0, 1);
  if (const auto augmentation = object.find("augmentation"))
    training.augmentation = read_augmentation(*augmentation);
  training.validate_every = count_or(object, "validate_every", 0);
  training.patience = count_or(object, "patience", 0);
  training.seed = object.at("seed").integer(0);
  object.finish();
  return training;
}

nlohmann::json to_json(const TrainingSettings& training) {
  const Augmentation& augmentation = training.augmentation;
  return {{"epochs", training.epochs},
          {"samples_per_epoch", training.samples_per_epoch},
          {"max_steps", training.max_steps},
          {"steps", training.steps},
          {"optimizer", optimizer_name(training.optimizer)},
          {"learning_rate", training.learning_rate},
          {"momentum", training.momentum},
          {"weight_decay", training.weight_decay},
          {"average_decay", training.average_decay},
          {"settle_steps", training.settle_steps},
          {"loss",
           {{"class_weight_power", training.loss.class_weight_power},
            {"focal_gamma", training.loss.focal_gamma},
            {"label_smoothing", training.loss.label_smoothing}}},
          {"class_balance", training.class_balance},
          {"augmentation",
           {{"dihedral", augmentation.dihedral},
            {"gain", augmentation.gain},
            {"offset", augmentation.offset},
            {"noise", augmentation.noise},
            {"band_dropout", augmentation.band_dropout},
            {"modality_dropout", augmentation.modality_dropout},
            {"few_samples", augmentation.few_samples}}},
          {"validate_every", training.validate_every},
          {"patience", training.patience},
          {"seed", training.seed}};
}

}  // namespace cadastre
