#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "planner/model_facts.h"
#include "planner/profile.h"

namespace cadastre {

/// A profile by numbers: what each layer takes for any number of samples, looked up once a size.
class CostTable {
 public:
  explicit CostTable(const Profile& profile);

  [[nodiscard]] const ModelFacts& model() const { return model_; }

  /// [layer] seconds for `samples` on the profile's device: backward 0 where no gradient is needed,
  /// the loss with the forward of the layer that gives the class scores.
  [[nodiscard]] const std::vector<LayerCost>& layers(std::int64_t samples) const;

  /// [model input] its part of the loading, by its number of elements.
  [[nodiscard]] const std::vector<double>& load_s_per_sample() const { return load_s_per_sample_; }

  [[nodiscard]] const std::vector<std::int64_t>& saved_bytes_per_sample() const {
    return saved_bytes_per_sample_;
  }

  [[nodiscard]] const std::vector<std::int64_t>& parameter_bytes() const {
    return parameter_bytes_;
  }

  [[nodiscard]] double optimizer_s_per_parameter_byte() const {
    return optimizer_s_per_parameter_byte_;
  }

 private:
  ModelFacts model_;
  std::vector<LayerProfile> layers_;
  double loss_s_per_sample_ = 0;
  double optimizer_s_per_parameter_byte_ = 0;
  std::vector<double> load_s_per_sample_;
  std::vector<std::int64_t> saved_bytes_per_sample_;
  std::vector<std::int64_t> parameter_bytes_;
  /// By number of samples; grows as it is asked.
  mutable std::unordered_map<std::int64_t, std::vector<LayerCost>> by_samples_;
};

}  // namespace cadastre
