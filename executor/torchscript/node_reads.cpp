#include "executor/torchscript/node_reads.h"

#include <torch/csrc/jit/ir/alias_analysis.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

namespace cadastre {

namespace {

using torch::jit::Block;
using torch::jit::Node;
using torch::jit::Value;

/// Nodes that cost next to nothing and hold nothing: each layer that needs their outputs has them
/// again. Constants, and what follows from them, from buffers and from the number of samples alone.
std::vector<bool> repeated_nodes(const LiftedGraph& lifted, const std::vector<Node*>& nodes) {
  std::unordered_set<const Value*> available{lifted.num_samples};
  // What is trained would get parts of its gradient from several layers.
  for (const LiftedSlot& slot : lifted.slots)
    if (!slot.is_trained) available.insert(slot.value);
  for (const LiftedNorm& norm : lifted.norms)
    for (const std::size_t slot : {norm.mean, norm.variance})
      available.erase(lifted.slots[slot].value);
  // What somebody writes to is one tensor, and no other that looks alike.
  std::optional<torch::jit::AliasDb> aliases;
  std::vector<const Value*> written;
  for (const Node* node : nodes)
    if (is_write(*node)) written.push_back(node->input(0));
  if (!written.empty()) aliases.emplace(lifted.graph);
  const auto is_written = [&](const Value* value) {
    return std::any_of(written.begin(), written.end(),
                       [&](const Value* other) { return aliases->mayAlias(value, other); });
  };

  std::vector<bool> repeated;
  for (const Node* node : nodes) {
    const bool follows =
        node->blocks().empty() && !is_write(*node) &&
        std::all_of(node->inputs().begin(), node->inputs().end(),
                    [&](const Value* input) { return available.count(input) != 0; }) &&
        std::none_of(node->outputs().begin(), node->outputs().end(), is_written);
    repeated.push_back(follows);
    if (follows) available.insert(node->outputs().begin(), node->outputs().end());
  }
  return repeated;
}

}  // namespace

void add_values_read(const Node& node, std::vector<const Value*>& values) {
  values.insert(values.end(), node.inputs().begin(), node.inputs().end());
  for (const Block* block : node.blocks()) {
    for (const Node* inner : block->nodes()) add_values_read(*inner, values);
    values.insert(values.end(), block->outputs().begin(), block->outputs().end());
  }
}

bool is_write(const Node& node) {
  return node.maybeSchema() != nullptr && node.schema().is_mutable();
}

NodeReads node_reads(const LiftedGraph& lifted) {
  NodeReads made;
  made.nodes.assign(lifted.graph->nodes().begin(), lifted.graph->nodes().end());
  made.is_repeated = repeated_nodes(lifted, made.nodes);
  const std::size_t num_nodes = made.nodes.size();
  made.reads.resize(num_nodes);
  made.readers.resize(num_nodes);
  made.slots.resize(num_nodes);
  made.reads_samples.assign(num_nodes, false);

  std::unordered_map<const Node*, std::size_t> index_of;
  for (std::size_t i = 0; i < num_nodes; ++i) index_of[made.nodes[i]] = i;
  std::unordered_map<const Value*, std::size_t> slot_of;
  for (std::size_t s = 0; s < lifted.slots.size(); ++s) slot_of[lifted.slots[s].value] = s;

  for (std::size_t reader = 0; reader < num_nodes; ++reader) {
    if (made.is_repeated[reader]) continue;
    std::vector<const Value*> pending;
    add_values_read(*made.nodes[reader], pending);
    std::unordered_set<const Value*> seen;
    while (!pending.empty()) {
      const Value* value = pending.back();
      pending.pop_back();
      if (!seen.insert(value).second) continue;
      if (const auto slot = slot_of.find(value); slot != slot_of.end())
        made.slots[reader].insert(slot->second);
      if (std::find(lifted.inputs.begin(), lifted.inputs.end(), value) != lifted.inputs.end())
        made.reads_samples[reader] = true;
      const auto producer = index_of.find(value->node());
      if (producer == index_of.end()) continue;  // an input of the graph, or inside of a block
      if (made.is_repeated[producer->second]) {
        add_values_read(*value->node(), pending);
        continue;
      }
      made.reads[reader].push_back({.node = producer->second, .value = value});
      made.readers[producer->second].push_back({.node = reader, .value = value});
    }
    if (!made.reads[reader].empty()) made.reads_samples[reader] = true;
  }
  return made;
}

}  // namespace cadastre
