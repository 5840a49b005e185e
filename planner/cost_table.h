#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "planner/model_facts.h"
#include "planner/optimizer.h"
#include "planner/profile.h"

namespace cadastre {

/// What a program is for. Inference is training without backward passes, gradients, labels and
/// optimizer; its batch norm needs no groups.
enum class Purpose { kTraining, kInference };

/// A profile by numbers: what each layer takes for any number of samples, looked up once a size.
class CostTable {
 public:
  explicit CostTable(const Profile& profile, Purpose purpose = Purpose::kTraining,
                     const Optimizer& optimizer = {});

  /// Of a model for inference, no layer has a gradient or parameters to train, and `output` is -1:
  /// a program lowered from it has forward passes alone.
  [[nodiscard]] const ModelFacts& model() const { return model_; }

  /// [layer] seconds for `samples` on the profile's device, of a rank that holds next to nothing
  /// else (times `part_ratios` they are a rank's; nothing takes less): backward 0 where no gradient
  /// is needed, the loss with the forward of the layer that gives the class scores.
  [[nodiscard]] const std::vector<LayerCost>& layers(std::int64_t samples) const;

  /// Every number of samples at which some layer was measured, ascending.
  [[nodiscard]] const std::vector<std::int64_t>& measured_sizes() const { return measured_sizes_; }

  /// Seconds of reading `samples` of a model input: of what samples take its part by elements, of
  /// what a micro-batch takes the same as the others.
  [[nodiscard]] double load_s(int input, std::int64_t samples) const;

  /// [layer] bytes kept from forward to backward; for inference its output, until the pass ends.
  [[nodiscard]] const std::vector<std::int64_t>& saved_bytes_per_sample() const {
    return saved_bytes_per_sample_;
  }

  [[nodiscard]] const std::vector<std::int64_t>& parameter_bytes() const {
    return parameter_bytes_;
  }

  /// Parameters, gradients and the optimizer's state (`copies_of_parameters`); for inference 1.
  [[nodiscard]] std::int64_t copies_of_parameters() const { return copies_of_parameters_; }

  /// What passes of `samples` and updates take, to what they take at least, on a rank whose layers
  /// have so many bytes of parameters and of tensors kept for backward.
  [[nodiscard]] PartRatios part_ratios(std::int64_t parameter_bytes,
                                       std::int64_t saved_bytes_per_sample,
                                       std::int64_t samples) const;

  /// On a rank that holds all layers.
  [[nodiscard]] PartRatios whole_ratios() const { return cadastre::part_ratios(parts_, 1); }

  [[nodiscard]] const CacheEffect& caches() const { return caches_; }

  [[nodiscard]] const WaitEffect& waits() const { return waits_; }

  /// Of a rank that holds next to nothing else, likewise.
  [[nodiscard]] double optimizer_s_per_parameter_byte() const {
    return optimizer_s_per_parameter_byte_;
  }

 private:
  void measure_from_the_least();

  ModelFacts model_;
  std::vector<LayerProfile> layers_;
  std::vector<std::int64_t> measured_sizes_;
  std::int64_t copies_of_parameters_ = 3;
  CacheEffect caches_;
  WaitEffect waits_;
  PartEffect parts_;
  double loss_s_per_sample_ = 0;
  double loss_s_per_micro_batch_ = 0;
  double optimizer_s_per_parameter_byte_ = 0;
  std::vector<double> load_s_per_sample_;  ///< [model input]
  double load_s_per_input_ = 0;
  std::vector<std::int64_t> saved_bytes_per_sample_;
  std::vector<std::int64_t> parameter_bytes_;
  std::int64_t all_saved_bytes_per_sample_ = 0;
  std::int64_t all_parameter_bytes_ = 0;
  /// By number of samples; grows as it is asked.
  mutable std::unordered_map<std::int64_t, std::vector<LayerCost>> by_samples_;
};

}  // namespace cadastre
