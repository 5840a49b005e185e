#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "executor/torchscript/grouping.h"
#include "executor/torchscript/lifted_graph.h"
#include "planner/model_graph.h"

namespace cadastre {

/// A layer, and what it holds: indices into `LiftedGraph::slots`, in the order of its parameters
/// and buffers.
struct WrittenLayer {
  Layer layer;
  std::vector<std::size_t> parameters;
  std::vector<std::size_t> buffers;
};

/// Layers' inputs, outputs and code, from their groups of nodes.
///
/// What passes between layers is one tensor (N, …) per layer. A tensor whose samples lie otherwise
/// is turned so that they are its rows; several tensors are laid side by side, (N, F), and taken
/// apart by those who read them.
class LayerCodes {
 public:
  /// `input_names`: of the model's inputs.
  LayerCodes(const LiftedGraph& lifted, const std::vector<NodeGroup>& groups,
             std::vector<std::string> input_names);

  /// The layer of a group, without what is measured.
  [[nodiscard]] WrittenLayer write(std::size_t group) const;

 private:
  /// Where a value is found in what its layer gives.
  struct Place {
    std::size_t group = 0;
    std::int64_t begin = 0;  ///< of its elements of a sample; with `is_alone` it is the whole
    bool is_alone = true;
  };

  struct Writer;

  [[nodiscard]] Shape output_shape(std::size_t group) const;

  const LiftedGraph& lifted_;
  const std::vector<NodeGroup>& groups_;
  std::vector<std::string> input_names_;
  std::unordered_map<const torch::jit::Value*, Place> places_;
  std::unordered_map<const torch::jit::Value*, std::size_t> slot_;
  std::unordered_map<const torch::jit::Value*, std::size_t> norm_;  ///< by its sums
};

}  // namespace cadastre
