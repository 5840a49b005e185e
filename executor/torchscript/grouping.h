#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <string>
#include <vector>

#include "executor/torchscript/lifted_graph.h"

namespace cadastre {

/// Nodes of a lifted graph that become one layer.
struct NodeGroup {
  std::string id;                           ///< "layer3.0.conv1"
  std::vector<torch::jit::Node*> nodes;     ///< in the graph's order
  std::vector<torch::jit::Value*> outputs;  ///< what others read of it, or the class scores
};

/// What becomes of a lifted graph.
struct Grouping {
  std::vector<NodeGroup> groups;   ///< in topological order
  std::vector<std::string> notes;  ///< what is kept together, and why
};

/// Divides the nodes into layers: one for each operation of weight (convolutions, products,
/// recurrences, …), with the cheap ones around it. In one layer stay what share a parameter or
/// write to the same memory, what passes something else than samples' float32 tensors, and what
/// would else make a cycle. Throws InputError in the name of `file` where nothing can be divided.
[[nodiscard]] Grouping group_nodes(const LiftedGraph& lifted, const std::string& file);

}  // namespace cadastre
