#pragma once

#include <onnx/onnx_pb.h>

#include <string>
#include <vector>

#include "planner/onnx/tensor.h"
#include "planner/pass_work.h"

namespace cadastre::onnx_import {

/// One node with what is known of its tensors; null where an optional one is left out.
struct NodeTensors {
  const onnx::NodeProto* node = nullptr;
  std::vector<const Tensor*> inputs;
  std::vector<const Tensor*> outputs;
  std::int64_t num_samples = 1;  ///< that the shapes hold
};

enum class NodeKind {
  kView,         ///< its output is its first input, looked at otherwise: costs nothing
  kElementwise,  ///< element by element, such as an activation or a normalisation: cheap
  kOther,
};

/// What a node does in training, and what LibTorch would keep of it until its backward pass.
struct NodeCost {
  NodeKind kind = NodeKind::kOther;
  LayerWork work;
  double product_flops_per_sample =
      0;                          ///< of a forward pass: convolutions and matrix products only
  std::vector<bool> keeps_input;  ///< one for each input
  bool keeps_output = false;
  double own_bytes_per_sample = 0;  ///< kept beside them: indices, masks, gates
};

/// Whether the work of operations of this name is known.
[[nodiscard]] bool is_known_operation(const onnx::NodeProto& node);

/// The cost of a node of a known operation, all of whose tensors have shapes.
///
/// Counted as `layer_work` counts native layers: a multiplication and an addition are two; products
/// directly, 2 × the inner extent per output element (convolutions: C_in/groups × kernel), once
/// forward and backward once for each operand that has a gradient; a function of an element, such
/// as an exponential, is one. Each tensor is read and written once, but that normalisations read
/// theirs twice, and that slices and look-ups read only what they give.
[[nodiscard]] NodeCost node_cost(const NodeTensors& tensors);

}  // namespace cadastre::onnx_import
