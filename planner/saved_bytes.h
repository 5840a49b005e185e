#pragma once

#include <cstdint>
#include <vector>

#include "planner/model_graph.h"

namespace cadastre {

/// For each layer, the bytes per sample that LibTorch keeps from its forward until its backward.
///
/// An output that several layers look at again (a ReLU its own, a convolution its input) is one
/// tensor in memory: it counts once, at the layer that made it. A model input counts at the first
/// layer that keeps it. So the sum over the layers of a stage is what the stage holds per sample,
/// but for tensors that came from other stages.
///
/// Not counted: batch norm's two numbers per channel and group, LibTorch's bookkeeping, and memory
/// used only while a layer computes.
[[nodiscard]] std::vector<std::int64_t> saved_bytes_per_sample(const ModelGraph& model);

}  // namespace cadastre
