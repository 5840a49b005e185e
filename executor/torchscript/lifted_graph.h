#pragma once

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "executor/torchscript/tensor_facts.h"

namespace cadastre {

/// A parameter, buffer or constant of a module, as an input of the lifted graph.
struct LiftedSlot {
  std::string name;  ///< the module's path to it
  at::Tensor tensor;
  bool is_trained = false;
  torch::jit::Value* value = nullptr;  ///< float32, whatever the tensor is
};

/// A batch norm whose running statistics move in training.
struct LiftedNorm {
  std::size_t mean = 0;  ///< index of its slot, like `variance`
  std::size_t variance = 0;
  double momentum = 0.1;
  torch::jit::Value* sums = nullptr;  ///< the input for the sums of its statistics
};

/// Where a node comes from.
struct NodeOrigin {
  std::string module;                          ///< the path of the module whose forward has it
  const torch::jit::Node* node = nullptr;      ///< in the module's code
  std::vector<const torch::jit::Node*> calls;  ///< that lead to it, outermost first
};

/// A model's forward as one graph without modules: what training does, calls and what follows from
/// shapes worked out, batch norm and dropout replaced by operators that follow the mode of the
/// pass.
struct LiftedGraph {
  torch::jit::Module module;                 ///< whose code `origins` point to
  std::shared_ptr<torch::jit::Graph> graph;  ///< its output: the class scores
  std::vector<torch::jit::Value*> inputs;    ///< of the model
  torch::jit::Value* num_samples = nullptr;  ///< an input: the size of the batch
  torch::jit::Value* context = nullptr;      ///< an input: see `pass_context`
  std::vector<LiftedSlot> slots;
  std::vector<LiftedNorm> norms;
  std::unordered_map<const torch::jit::Value*, TensorFacts>
      facts;  ///< of tensors outside of blocks
  std::unordered_map<const torch::jit::Node*, NodeOrigin> origins;
  /// Its own forward draws dropout or moves running statistics, in whatever mode: it was traced in
  /// training.
  bool draws_or_counts = false;
  std::vector<std::string> notes;  ///< what to tell whoever imports it, a line each
};

}  // namespace cadastre
