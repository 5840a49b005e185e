#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "executor/network.h"
#include "planner/part_effect.h"
#include "planner/profile.h"

namespace cadastre {

/// Training steps of the whole network and of its two halves, each as if a rank held no more.
struct PartTrial {
  std::int64_t batch_size = 1;         ///< of each micro-batch
  std::int64_t num_micro_batches = 1;  ///< of a step
  int repeats = 1;                     ///< that count; one is before them

  /// That pass in all.
  [[nodiscard]] std::int64_t num_samples() const {
    return 2 * batch_size * (num_micro_batches + 1) * (repeats + 1);
  }
};

/// The number of layers, from the first on, that have as nearly as can be half of the network's
/// bytes: parameters, and what samples keep for backward.
[[nodiscard]] std::size_t half_of_layers(const std::vector<LayerProfile>& layers,
                                         std::int64_t samples);

/// Of each half, every time; none of a network of one layer. `whole`: the network; `update`: of its
/// parameters, by AdamW and with the average of the weights. `model_inputs`: (batch_size, …), of
/// all of the model's inputs. `layers`: the network's profile, with a measurement at that size:
/// which parts of the whole's seconds the halves have within it.
[[nodiscard]] std::vector<std::vector<PartOfNetwork>> time_parts(
    const ModelGraph& model, StageNetwork& whole, const std::function<void()>& update,
    const std::vector<at::Tensor>& model_inputs, const ForwardContext& context,
    const std::vector<LayerProfile>& layers, const PartTrial& trial);

}  // namespace cadastre
