#include "executor/torchscript/grouping.h"

#include <torch/csrc/jit/ir/alias_analysis.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "executor/torchscript/python_place.h"
#include "planner/error.h"

namespace cadastre {

namespace prim = c10::prim;

namespace {

using torch::jit::Block;
using torch::jit::Node;
using torch::jit::Value;

/// All values that a node reads, those inside of its blocks included.
void add_reads(const Node& node, std::vector<const Value*>& reads) {
  reads.insert(reads.end(), node.inputs().begin(), node.inputs().end());
  for (const Block* block : node.blocks()) {
    for (const Node* inner : block->nodes()) add_reads(*inner, reads);
    reads.insert(reads.end(), block->outputs().begin(), block->outputs().end());
  }
}

/// Work enough for a layer of its own.
bool has_weight(const Node& node) {
  static const std::set<std::string> heavy = {"aten::_convolution",
                                              "aten::convolution",
                                              "aten::conv1d",
                                              "aten::conv2d",
                                              "aten::conv3d",
                                              "aten::conv_transpose1d",
                                              "aten::conv_transpose2d",
                                              "aten::conv_transpose3d",
                                              "aten::linear",
                                              "aten::matmul",
                                              "aten::mm",
                                              "aten::bmm",
                                              "aten::addmm",
                                              "aten::baddbmm",
                                              "aten::einsum",
                                              "aten::bilinear",
                                              "aten::lstm",
                                              "aten::gru",
                                              "aten::rnn_tanh",
                                              "aten::rnn_relu",
                                              "aten::embedding",
                                              "aten::embedding_bag",
                                              "aten::cat",
                                              "aten::stack",
                                              "aten::layer_norm",
                                              "aten::group_norm",
                                              "aten::instance_norm",
                                              "cadastre::attention",
                                              "aten::scaled_dot_product_attention",
                                              "aten::_scaled_dot_product_attention",
                                              "aten::_native_multi_head_attention",
                                              "aten::_transformer_encoder_layer_fwd"};
  return heavy.count(node.kind().toQualString()) != 0 || !node.blocks().empty();
}

bool is_write(const Node& node) {
  return node.maybeSchema() != nullptr && node.schema().is_mutable();
}

class UnionFind {
 public:
  explicit UnionFind(std::size_t size) : parent_(size) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
  }

  std::size_t find(std::size_t item) {
    while (parent_[item] != item) item = parent_[item] = parent_[parent_[item]];
    return item;
  }

  /// The lower one stands for both.
  void unite(std::size_t a, std::size_t b) {
    a = find(a);
    b = find(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::size_t> parent_;
};

/// The work of `group_nodes`. Groups are known by their lowest node.
class Grouper {
 public:
  Grouper(const LiftedGraph& lifted, const std::string& file)
      : lifted_(lifted),
        file_(file),
        nodes_(lifted.graph->nodes().begin(), lifted.graph->nodes().end()),
        repeated_(repeated_nodes(lifted, nodes_)),
        groups_(nodes_.size()) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) place_[nodes_[i]] = i;
    for (std::size_t s = 0; s < lifted.slots.size(); ++s) slot_[lifted.slots[s].value] = s;
    reads_.resize(nodes_.size());
    readers_.resize(nodes_.size());
    slots_.resize(nodes_.size());
    reads_samples_.assign(nodes_.size(), false);
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      if (!repeated_[i]) find_reads(i);
  }

  Grouping group() {
    keep_unpassable();
    keep_shared();
    keep_written();
    contract_cycles();
    merge_cheap();
    contract_cycles();
    return result();
  }

 private:
  struct Read {
    std::size_t node = 0;
    const Value* value = nullptr;
  };

  /// What a node reads of others, and which slots, through those that are repeated.
  void find_reads(std::size_t node) {
    std::vector<const Value*> pending;
    add_reads(*nodes_[node], pending);
    std::unordered_set<const Value*> seen;
    while (!pending.empty()) {
      const Value* value = pending.back();
      pending.pop_back();
      if (!seen.insert(value).second) continue;
      if (const auto slot = slot_.find(value); slot != slot_.end())
        slots_[node].insert(slot->second);
      if (std::find(lifted_.inputs.begin(), lifted_.inputs.end(), value) != lifted_.inputs.end())
        reads_samples_[node] = true;
      const auto producer = place_.find(value->node());
      if (producer == place_.end()) continue;  // an input of the graph, or inside of a block
      if (repeated_[producer->second]) {
        add_reads(*value->node(), pending);
        continue;
      }
      reads_[node].push_back({.node = producer->second, .value = value});
      readers_[producer->second].push_back({.node = node, .value = value});
    }
    if (!reads_[node].empty()) reads_samples_[node] = true;
  }

  /// Whether a value can go from one layer to another.
  [[nodiscard]] bool can_pass(const Value* value) const {
    const auto facts = lifted_.facts.find(value);
    return facts != lifted_.facts.end() && facts->second.packing &&
           facts->second.dtype == at::kFloat;
  }

  void keep_unpassable() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (repeated_[i]) continue;
      for (const Read& reader : readers_[i])
        if (!can_pass(reader.value) || !reads_samples_[i]) groups_.unite(i, reader.node);
    }
  }

  void keep_shared() {
    // Running statistics are written to by each step, as parameters are.
    std::set<std::size_t> changing;
    for (std::size_t s = 0; s < lifted_.slots.size(); ++s)
      if (lifted_.slots[s].is_trained) changing.insert(s);
    for (const LiftedNorm& norm : lifted_.norms) changing.insert({norm.mean, norm.variance});
    std::map<std::size_t, std::vector<std::size_t>> readers;
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      for (const std::size_t slot : slots_[i])
        if (changing.count(slot) != 0) readers[slot].push_back(i);
    for (const auto& [slot, nodes] : readers) {
      for (const std::size_t node : nodes) groups_.unite(nodes.front(), node);
      if (nodes.size() > 1) shared_.emplace_back(slot, nodes);
    }
  }

  void keep_written() {
    std::vector<std::size_t> writers;
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      if (is_write(*nodes_[i])) writers.push_back(i);
    if (writers.empty()) return;
    const torch::jit::AliasDb aliases(lifted_.graph);
    for (const std::size_t writer : writers) {
      std::vector<std::size_t> together;
      const Value* written = nodes_[writer]->input(0);
      for (const Value* input : lifted_.inputs)
        if (aliases.mayAlias(input, written))
          throw InputError(file_, "",
                           "expected a forward that leaves its inputs as they are, found one that "
                           "writes to one (" +
                               std::string(nodes_[writer]->kind().toQualString()) +
                               place_of(writer) + "); begin with x = x.clone()");
      for (std::size_t i = 0; i < nodes_.size(); ++i) {
        if (repeated_[i]) continue;
        std::vector<const Value*> touched;
        add_reads(*nodes_[i], touched);
        for (const Value* output : nodes_[i]->outputs()) touched.push_back(output);
        for (const Value* value : touched)
          if (value->type()->kind() == c10::TypeKind::TensorType &&
              aliases.mayAlias(value, written)) {
            together.push_back(i);
            break;
          }
      }
      for (const std::size_t node : together) groups_.unite(writer, node);
      if (together.size() > 1) written_.emplace_back(writer, together);
    }
  }

  /// Groups' edges, each once.
  [[nodiscard]] std::map<std::size_t, std::set<std::size_t>> successors() {
    std::map<std::size_t, std::set<std::size_t>> edges;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (repeated_[i]) continue;
      edges[groups_.find(i)];
      for (const Read& read : reads_[i])
        if (groups_.find(read.node) != groups_.find(i))
          edges[groups_.find(read.node)].insert(groups_.find(i));
    }
    return edges;
  }

  /// Unites strongly connected groups (Tarjan 1972, with a stack of its own).
  void contract_cycles() {
    const std::map<std::size_t, std::set<std::size_t>> edges = successors();
    std::unordered_map<std::size_t, std::size_t> index;
    std::unordered_map<std::size_t, std::size_t> low;
    std::vector<std::size_t> open;
    std::unordered_set<std::size_t> is_open;

    struct Visit {
      std::size_t group;
      std::set<std::size_t>::const_iterator next;
    };

    for (const auto& [root, unused] : edges) {
      static_cast<void>(unused);
      if (index.count(root) != 0) continue;
      std::vector<Visit> visits;
      const auto enter = [&](std::size_t group) {
        low[group] = index[group] = index.size();
        open.push_back(group);
        is_open.insert(group);
        visits.push_back({group, edges.at(group).begin()});
      };
      enter(root);
      while (!visits.empty()) {
        const std::size_t group = visits.back().group;
        if (visits.back().next != edges.at(group).end()) {
          const std::size_t next = *visits.back().next++;
          if (index.count(next) == 0)
            enter(next);
          else if (is_open.count(next) != 0)
            low[group] = std::min(low[group], index[next]);
          continue;
        }
        visits.pop_back();
        if (!visits.empty())
          low[visits.back().group] = std::min(low[visits.back().group], low[group]);
        if (low[group] != index[group]) continue;
        for (std::size_t member = open.back();; member = open.back()) {
          open.pop_back();
          is_open.erase(member);
          groups_.unite(group, member);
          if (member == group) break;
        }
      }
    }
  }

  /// Whether a way leads from one group to the other that is longer than one edge.
  static bool has_detour(const std::map<std::size_t, std::set<std::size_t>>& edges,
                         std::size_t from, std::size_t to) {
    std::vector<std::size_t> pending;
    std::unordered_set<std::size_t> seen;
    for (const std::size_t next : edges.at(from))
      if (next != to) pending.push_back(next);
    while (!pending.empty()) {
      const std::size_t group = pending.back();
      pending.pop_back();
      if (group == to) return true;
      if (!seen.insert(group).second) continue;
      pending.insert(pending.end(), edges.at(group).begin(), edges.at(group).end());
    }
    return false;
  }

  [[nodiscard]] std::map<std::size_t, std::vector<std::size_t>> members() {
    std::map<std::size_t, std::vector<std::size_t>> of_group;
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      if (!repeated_[i]) of_group[groups_.find(i)].push_back(i);
    return of_group;
  }

  /// How many values of these nodes others read, or are the class scores.
  std::size_t num_outputs(const std::vector<std::size_t>& nodes) {
    const std::set<std::size_t> inside(nodes.begin(), nodes.end());
    std::set<const Value*> outputs;
    for (const std::size_t node : nodes) {
      for (const Read& reader : readers_[node])
        if (inside.count(reader.node) == 0) outputs.insert(reader.value);
      for (const Value* output : nodes_[node]->outputs())
        if (output == lifted_.graph->outputs().front()) outputs.insert(output);
    }
    return outputs.size();
  }

  /// Cheap groups go to what makes their input where that still gives one tensor, or else to their
  /// only reader.
  void merge_cheap() {
    for (bool changed = true; changed;) {
      changed = false;
      std::map<std::size_t, std::vector<std::size_t>> of_group = members();
      std::map<std::size_t, std::set<std::size_t>> edges = successors();
      std::map<std::size_t, std::set<std::size_t>> before;
      for (const auto& [from, tos] : edges)
        for (const std::size_t to : tos) before[to].insert(from);
      std::unordered_set<std::size_t> touched;
      std::vector<std::size_t> order;
      for (const auto& [group, nodes] : of_group)
        if (std::none_of(nodes.begin(), nodes.end(),
                         [&](std::size_t node) { return has_weight(*nodes_[node]); }))
          order.push_back(group);
      for (const std::size_t group : order) {
        if (touched.count(group) != 0) continue;
        std::vector<std::size_t> candidates(before[group].begin(), before[group].end());
        // The last of what it reads, so that no way leads round it.
        std::sort(candidates.begin(), candidates.end(), [&](std::size_t a, std::size_t b) {
          return of_group[a].back() > of_group[b].back();
        });
        std::optional<std::size_t> chosen;
        for (const std::size_t candidate : candidates) {
          if (touched.count(candidate) != 0) continue;
          std::vector<std::size_t> joined = of_group[candidate];
          joined.insert(joined.end(), of_group[group].begin(), of_group[group].end());
          if (num_outputs(joined) > 1 || has_detour(edges, candidate, group)) continue;
          chosen = candidate;
          break;
        }
        const std::set<std::size_t>& after = edges[group];
        if (!chosen && after.size() == 1 && touched.count(*after.begin()) == 0)
          chosen = *after.begin();
        if (!chosen) continue;
        groups_.unite(group, *chosen);
        touched.insert({group, *chosen});
        // Edges are those from before: neighbours wait for the next round.
        for (const std::size_t neighbour : before[group]) touched.insert(neighbour);
        for (const std::size_t neighbour : after) touched.insert(neighbour);
        changed = true;
      }
    }
  }

  /// Groups in topological order, as near to the code's as can be.
  std::vector<std::size_t> topological_order() {
    const std::map<std::size_t, std::set<std::size_t>> edges = successors();
    std::map<std::size_t, std::size_t> num_before;
    for (const auto& [group, after] : edges) {
      num_before[group];
      for (const std::size_t next : after) ++num_before[next];
    }
    std::set<std::size_t> ready;
    for (const auto& [group, count] : num_before)
      if (count == 0) ready.insert(group);
    std::vector<std::size_t> order;
    while (!ready.empty()) {
      const std::size_t group = *ready.begin();
      ready.erase(ready.begin());
      order.push_back(group);
      for (const std::size_t next : edges.at(group))
        if (--num_before[next] == 0) ready.insert(next);
    }
    return order;
  }

  /// The module of the heaviest parameter, or else of the last node.
  std::string name_of(const std::vector<std::size_t>& nodes) {
    std::string name;
    std::int64_t most = 0;
    for (const std::size_t node : nodes)
      for (const std::size_t slot : slots_[node]) {
        const std::int64_t size = lifted_.slots[slot].tensor.numel();
        const std::string& path = lifted_.slots[slot].name;
        const std::size_t dot = path.rfind('.');
        if (size <= most || dot == std::string::npos) continue;
        most = size;
        name = path.substr(0, dot);
      }
    if (!name.empty()) return name;
    const auto heaviest = std::find_if(nodes.begin(), nodes.end(),
                                       [&](std::size_t node) { return has_weight(*nodes_[node]); });
    const Node* node = nodes_[heaviest == nodes.end() ? nodes.back() : *heaviest];
    std::string kind = node->kind().toUnqualString();
    const auto origin = lifted_.origins.find(node);
    if (origin == lifted_.origins.end() || origin->second.module.empty()) return kind;
    return origin->second.module + "." + kind;
  }

  std::string place_of(std::size_t node) const {
    const auto origin = lifted_.origins.find(nodes_[node]);
    if (origin == lifted_.origins.end() || origin->second.node == nullptr) return "";
    const std::string place = python_place(*origin->second.node, origin->second.calls);
    return place.empty() ? "" : " at " + place;
  }

  Grouping result() {
    Grouping grouping;
    const std::map<std::size_t, std::vector<std::size_t>> of_group = members();
    std::map<std::string, int> times;
    std::map<std::size_t, std::string> ids;
    for (const std::size_t group : topological_order()) {
      const std::vector<std::size_t>& nodes = of_group.at(group);
      NodeGroup made;
      made.id = name_of(nodes);
      const int time = ++times[made.id];
      if (time > 1) {
        made.id += '#';
        made.id += std::to_string(time);
      }
      ids[group] = made.id;
      std::set<const Value*> known;
      for (const std::size_t node : nodes) {
        made.nodes.push_back(nodes_[node]);
        for (Value* output : nodes_[node]->outputs()) {
          bool is_output = output == lifted_.graph->outputs().front();
          for (const Read& reader : readers_[node])
            if (reader.value == output && groups_.find(reader.node) != group) is_output = true;
          if (is_output && known.insert(output).second) made.outputs.push_back(output);
        }
      }
      grouping.groups.push_back(std::move(made));
    }
    std::set<std::vector<std::size_t>> told;
    for (const auto& [slot, nodes] : shared_) {
      // A module's own operations on its weight, beside the one that uses it, are no news.
      const auto num_heavy = std::count_if(
          nodes.begin(), nodes.end(), [&](std::size_t node) { return has_weight(*nodes_[node]); });
      if (num_heavy < 2 || !told.insert(nodes).second) continue;
      grouping.notes.push_back(
          "layer " + ids[groups_.find(nodes.front())] + " keeps " + std::to_string(num_heavy) +
          " operations together: they share the parameter " + lifted_.slots[slot].name);
    }
    for (const auto& [writer, nodes] : written_) {
      grouping.notes.push_back("layer " + ids[groups_.find(writer)] + " keeps " +
                               std::to_string(nodes.size()) +
                               " operations together: " + nodes_[writer]->kind().toQualString() +
                               place_of(writer) + " writes to what they read");
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      if (!nodes_[i]->blocks().empty())
        grouping.notes.push_back("layer " + ids[groups_.find(i)] + " keeps a " +
                                 std::string(nodes_[i]->kind() == prim::If ? "branch" : "loop") +
                                 place_of(i) + " whole: the values of tensors decide it");
    return grouping;
  }

  const LiftedGraph& lifted_;
  const std::string& file_;
  std::vector<Node*> nodes_;
  std::vector<bool> repeated_;
  UnionFind groups_;
  std::unordered_map<const Node*, std::size_t> place_;
  std::unordered_map<const Value*, std::size_t> slot_;
  std::vector<std::vector<Read>> reads_;
  std::vector<std::vector<Read>> readers_;
  std::vector<std::set<std::size_t>> slots_;
  std::vector<bool> reads_samples_;
  std::vector<std::pair<std::size_t, std::vector<std::size_t>>> shared_;
  std::vector<std::pair<std::size_t, std::vector<std::size_t>>> written_;
};

}  // namespace

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

Grouping group_nodes(const LiftedGraph& lifted, const std::string& file) {
  Grouping grouping = Grouper(lifted, file).group();
  if (grouping.groups.empty())
    throw InputError(file, "",
                     "expected a model that computes something from its inputs, found none");
  return grouping;
}

}  // namespace cadastre
