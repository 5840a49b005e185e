#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <string>
#include <vector>

#include "planner/model_graph.h"
#include "planner/onnx/tensor.h"

namespace cadastre::onnx_import {

/// What the user says of an input: (C, H, W), without the batch dimension. Without a name it is
/// that of the only input.
struct InputShape {
  std::string name;
  Shape shape;
};

struct InferredShapes {
  Tensors tensors;               ///< the values of the graph; unknown shapes are left unknown
  std::int64_t num_samples = 1;  ///< the first dimension of every input
};

/// The inputs of the graph that are no weights.
[[nodiscard]] std::vector<const onnx::ValueInfoProto*> model_inputs(const onnx::GraphProto& graph);

/// Fixes the shapes of the inputs and infers all others, by ONNX's own rules. A batch dimension
/// that the file leaves open becomes 1, others must be given. What only computes shapes is replaced
/// by its value (`fold_static_values`).
///
/// Throws InputError naming the input whose shape is not known or does not fit, or the node at
/// which shapes contradict each other.
[[nodiscard]] InferredShapes infer_shapes(onnx::ModelProto& model,
                                          const std::vector<InputShape>& given,
                                          const std::string& file);

}  // namespace cadastre::onnx_import
