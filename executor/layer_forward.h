#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "executor/dropout.h"
#include "planner/model_graph.h"

namespace cadastre {

enum class ForwardMode {
  kTraining,
  kRecomputation,  ///< training once more: batch statistics were counted the first time
  kEvaluation,
};

class LayerFunction;

/// What an imported layer holds, in the order of `TorchScript`.
struct ScriptTensors {
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> buffers;
  std::vector<at::Tensor> sums;  ///< of each batch norm's statistics, see `group_batch_norm`
};

/// A layer's tensors; undefined where the layer has none.
struct LayerTensors {
  at::Tensor weight;            ///< conv2d (O, C / groups, K, K), linear (O, F), batch norm (C)
  at::Tensor bias;              ///< (O) or (C)
  at::Tensor running_mean;      ///< batch norm, (C)
  at::Tensor running_variance;  ///< batch norm, (C)
  at::Tensor pending;           ///< batch norm, see `group_batch_norm`
  ScriptTensors script;         ///< an imported layer's, like
  std::shared_ptr<const LayerFunction> function;  ///< its code
};

/// What a layer's forward needs to know beside its inputs.
struct LayerContext {
  ForwardMode mode = ForwardMode::kTraining;
  std::int64_t batch_norm_group_samples = 1;
  DropoutDraw dropout;
  bool may_overwrite_input = false;  ///< nobody else needs the (first) input any more
};

/// A layer's output for its inputs, (N, C, H, W) or (N, F), float32.
/// Throws what LibTorch throws when shapes do not fit, which a checked model excludes.
[[nodiscard]] at::Tensor layer_forward(const Operation& operation, const LayerTensors& tensors,
                                       const std::vector<at::Tensor>& inputs,
                                       const LayerContext& context);

}  // namespace cadastre
