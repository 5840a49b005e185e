#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "planner/cache_effect.h"
#include "planner/model_graph.h"
#include "planner/optimizer.h"
#include "planner/part_effect.h"
#include "planner/wait_effect.h"

namespace cadastre {

/// One layer's cost at one micro-batch size: medians over the repeats, and the spread between the
/// quartiles.
struct Measurement {
  std::int64_t batch_size = 1;  ///< samples
  double forward_s = 0;
  double forward_spread_s = 0;
  double backward_s = 0;
  double backward_spread_s = 0;
  bool operator==(const Measurement&) const = default;
};

struct LayerProfile {
  std::string layer;                             ///< id in the model
  std::vector<Measurement> measurements;         ///< ascending in batch size, at least one
  std::int64_t activation_bytes_per_sample = 0;  ///< of the output tensor
  std::int64_t saved_bytes_per_sample = 0;       ///< kept from forward until backward
  std::int64_t parameter_bytes = 0;
  /// Greatest relative error of forward + backward at a measured size when that size is left out
  /// and interpolated from its neighbours; 0 with fewer than three sizes.
  double fit_error = 0;
  bool operator==(const LayerProfile&) const = default;
};

/// What each layer costs on one named device.
struct Profile {
  std::string device;
  int num_threads = 1;
  ModelGraph model;
  std::vector<LayerProfile> layers;           ///< in the order of `model.layers`
  double load_s_per_sample = 0;               ///< reading all model inputs of one sample
  double load_s_per_micro_batch = 0;          ///< beside it, however few the samples
  double optimizer_s_per_parameter_byte = 0;  ///< of SGD with momentum
  /// Of AdamW, and of the moving average of the weights beside either: 0 where not measured, and
  /// then reckoned from SGD's (`optimizer_s_per_parameter_byte`).
  double adamw_s_per_parameter_byte = 0;
  double average_s_per_parameter_byte = 0;
  double loss_s_per_sample = 0;
  double loss_s_per_micro_batch = 0;  ///< likewise
  CacheEffect caches;                 ///< none where not measured
  WaitEffect waits;                   ///< likewise
  PartEffect parts;                   ///< likewise
  /// Of the seconds of training steps: what their quartiles are apart over their median, the mean
  /// over the sizes; 0 where not measured.
  double step_spread = 0;
  bool operator==(const Profile&) const = default;
};

struct LayerCost {
  double forward_s = 0;
  double backward_s = 0;
};

/// Seconds of a layer for `batch_size` samples on the profile's device: linear between the measured
/// sizes, below the least by its line through the first two (never under a half of the least per
/// halving, never above the least), above the greatest in proportion to samples. 0 samples cost 0.
[[nodiscard]] LayerCost layer_cost(const LayerProfile& layer, std::int64_t batch_size);

/// Seconds of a step of `optimizer` for each byte of parameters. What the profile did not measure
/// is in proportion to the tensors that are read and written: memory is what takes the time.
[[nodiscard]] double optimizer_s_per_parameter_byte(const Profile& profile,
                                                    const Optimizer& optimizer);

/// `LayerProfile::fit_error` of these measurements.
[[nodiscard]] double leave_one_out_error(const std::vector<Measurement>& measurements);

[[nodiscard]] Profile read_profile(const std::filesystem::path& file);
[[nodiscard]] Profile profile_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const Profile& profile);

}  // namespace cadastre
