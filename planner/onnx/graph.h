#pragma once

#include <onnx/onnx_pb.h>

#include <string>
#include <vector>

#include "planner/onnx/node_work.h"
#include "planner/onnx/shapes.h"
#include "planner/onnx/tensor.h"

namespace cadastre::onnx_import {

/// A node that computes on the values of the model's inputs and leads to an output.
struct WorkNode {
  const onnx::NodeProto* node = nullptr;
  NodeCost cost;
  std::vector<std::string> inputs;  ///< values that depend on the model's inputs, as it reads them
  std::vector<std::string> parameters;  ///< ascending
};

struct WorkGraph {
  Tensors tensors;
  std::vector<WorkNode> nodes;  ///< in the file's order, which is topological
};

/// What is to be planned of a model whose shapes are known: weights are told from what depends on
/// the inputs, and each node has its cost. Weights are the initializers of floats with a dimension,
/// but for the statistics of batch norm and factors of resizing.
///
/// Throws InputError naming the node whose operation is not known, that depends on control flow, or
/// whose shape could not be inferred.
[[nodiscard]] WorkGraph work_graph(const onnx::GraphProto& graph, const InferredShapes& inferred,
                                   const std::string& file);

}  // namespace cadastre::onnx_import
