#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "planner/model_graph.h"

namespace cadastre {

/// A layer's parameters before training; undefined where it has none.
struct InitialParameters {
  at::Tensor weight;
  at::Tensor bias;
};

/// PyTorch's defaults: conv2d and linear uniform in ±1/√fan_in (Kaiming-uniform with a = √5; He et
/// al. 2015), batch norm ones and zeros. The same for the same `seed` in every process.
[[nodiscard]] InitialParameters initial_parameters(const ModelGraph& model, std::size_t layer,
                                                   std::uint64_t seed);

/// An imported layer's tensors in place of those of the archive, in the order of its slots.
struct InitialSlots {
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> buffers;
};

/// Values to measure with: weights uniform as above, scales and variances ones, others zeros.
[[nodiscard]] InitialSlots initial_slots(const TorchScript& script, std::uint64_t seed);

}  // namespace cadastre
