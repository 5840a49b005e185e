#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <cstddef>
#include <set>
#include <vector>

#include "executor/torchscript/lifted_graph.h"

namespace cadastre {

/// What a node reads of another, or another of it.
struct NodeRead {
  std::size_t node = 0;  ///< the other one
  const torch::jit::Value* value = nullptr;
};

/// Who reads what among a lifted graph's nodes, which are known by their index. Those that are
/// repeated read nothing and nobody reads them: their readers have what they would read.
struct NodeReads {
  std::vector<torch::jit::Node*> nodes;  ///< in the graph's order
  std::vector<bool> is_repeated;
  std::vector<std::vector<NodeRead>> reads;
  std::vector<std::vector<NodeRead>> readers;
  std::vector<std::set<std::size_t>> slots;  ///< of the graph's
  std::vector<bool> reads_samples;           ///< or what follows from them
};

[[nodiscard]] NodeReads node_reads(const LiftedGraph& lifted);

/// All values that a node reads, those inside of its blocks included, are added.
void add_values_read(const torch::jit::Node& node, std::vector<const torch::jit::Value*>& values);

/// Whether a node writes to one of its inputs.
[[nodiscard]] bool is_write(const torch::jit::Node& node);

}  // namespace cadastre
