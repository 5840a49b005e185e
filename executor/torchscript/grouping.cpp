#include "executor/torchscript/grouping.h"

#include <torch/csrc/jit/ir/alias_analysis.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <unordered_set>

#include "executor/torchscript/group_edges.h"
#include "executor/torchscript/node_reads.h"
#include "executor/torchscript/python_place.h"
#include "planner/error.h"

namespace cadastre {

namespace prim = c10::prim;

namespace {

using torch::jit::Node;
using torch::jit::Value;

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
      : lifted_(lifted), file_(file), reads_(node_reads(lifted)), groups_(reads_.nodes.size()) {}

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
  /// Whether a value can go from one layer to another.
  [[nodiscard]] bool can_pass(const Value* value) const {
    const auto facts = lifted_.facts.find(value);
    return facts != lifted_.facts.end() && facts->second.packing &&
           facts->second.dtype == at::kFloat;
  }

  void keep_unpassable() {
    for (std::size_t i = 0; i < reads_.nodes.size(); ++i) {
      if (reads_.is_repeated[i]) continue;
      for (const NodeRead& reader : reads_.readers[i])
        if (!can_pass(reader.value) || !reads_.reads_samples[i]) groups_.unite(i, reader.node);
    }
  }

  void keep_shared() {
    // Running statistics are written to by each step, as parameters are.
    std::set<std::size_t> changing;
    for (std::size_t s = 0; s < lifted_.slots.size(); ++s)
      if (lifted_.slots[s].is_trained) changing.insert(s);
    for (const LiftedNorm& norm : lifted_.norms) changing.insert({norm.mean, norm.variance});
    std::map<std::size_t, std::vector<std::size_t>> readers;
    for (std::size_t i = 0; i < reads_.nodes.size(); ++i)
      for (const std::size_t slot : reads_.slots[i])
        if (changing.count(slot) != 0) readers[slot].push_back(i);
    for (const auto& [slot, nodes] : readers) {
      for (const std::size_t node : nodes) groups_.unite(nodes.front(), node);
      if (nodes.size() > 1) shared_.emplace_back(slot, nodes);
    }
  }

  void keep_written() {
    std::vector<std::size_t> writers;
    for (std::size_t i = 0; i < reads_.nodes.size(); ++i)
      if (is_write(*reads_.nodes[i])) writers.push_back(i);
    if (writers.empty()) return;
    const torch::jit::AliasDb aliases(lifted_.graph);
    for (const std::size_t writer : writers) {
      std::vector<std::size_t> together;
      const Value* written = reads_.nodes[writer]->input(0);
      for (const Value* input : lifted_.inputs)
        if (aliases.mayAlias(input, written))
          throw InputError(file_, "",
                           "expected a forward that leaves its inputs as they are, found one that "
                           "writes to one (" +
                               std::string(reads_.nodes[writer]->kind().toQualString()) +
                               place_of(writer) + "); begin with x = x.clone()");
      for (std::size_t i = 0; i < reads_.nodes.size(); ++i) {
        if (reads_.is_repeated[i]) continue;
        std::vector<const Value*> touched;
        add_values_read(*reads_.nodes[i], touched);
        for (const Value* output : reads_.nodes[i]->outputs()) touched.push_back(output);
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
  [[nodiscard]] GroupEdges successors() {
    GroupEdges edges;
    for (std::size_t i = 0; i < reads_.nodes.size(); ++i) {
      if (reads_.is_repeated[i]) continue;
      edges[groups_.find(i)];
      for (const NodeRead& read : reads_.reads[i])
        if (groups_.find(read.node) != groups_.find(i))
          edges[groups_.find(read.node)].insert(groups_.find(i));
    }
    return edges;
  }

  void contract_cycles() {
    for (const std::vector<std::size_t>& cycle : cycles(successors()))
      for (const std::size_t group : cycle) groups_.unite(cycle.front(), group);
  }

  [[nodiscard]] std::map<std::size_t, std::vector<std::size_t>> members() {
    std::map<std::size_t, std::vector<std::size_t>> of_group;
    for (std::size_t i = 0; i < reads_.nodes.size(); ++i)
      if (!reads_.is_repeated[i]) of_group[groups_.find(i)].push_back(i);
    return of_group;
  }

  /// How many values of these nodes others read, or are the class scores.
  std::size_t num_outputs(const std::vector<std::size_t>& nodes) {
    const std::set<std::size_t> inside(nodes.begin(), nodes.end());
    std::set<const Value*> outputs;
    for (const std::size_t node : nodes) {
      for (const NodeRead& reader : reads_.readers[node])
        if (inside.count(reader.node) == 0) outputs.insert(reader.value);
      for (const Value* output : reads_.nodes[node]->outputs())
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
      GroupEdges edges = successors();
      std::map<std::size_t, std::set<std::size_t>> before;
      for (const auto& [from, tos] : edges)
        for (const std::size_t to : tos) before[to].insert(from);
      std::unordered_set<std::size_t> touched;
      std::vector<std::size_t> order;
      for (const auto& [group, nodes] : of_group)
        if (std::none_of(nodes.begin(), nodes.end(),
                         [&](std::size_t node) { return has_weight(*reads_.nodes[node]); }))
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

  /// The module of the heaviest parameter, or else of the last node.
  std::string name_of(const std::vector<std::size_t>& nodes) {
    std::string name;
    std::int64_t most = 0;
    for (const std::size_t node : nodes)
      for (const std::size_t slot : reads_.slots[node]) {
        const std::int64_t size = lifted_.slots[slot].tensor.numel();
        const std::string& path = lifted_.slots[slot].name;
        const std::size_t dot = path.rfind('.');
        if (size <= most || dot == std::string::npos) continue;
        most = size;
        name = path.substr(0, dot);
      }
    if (!name.empty()) return name;
    const auto heaviest = std::find_if(nodes.begin(), nodes.end(), [&](std::size_t node) {
      return has_weight(*reads_.nodes[node]);
    });
    const Node* node = reads_.nodes[heaviest == nodes.end() ? nodes.back() : *heaviest];
    std::string kind = node->kind().toUnqualString();
    const auto origin = lifted_.origins.find(node);
    if (origin == lifted_.origins.end() || origin->second.module.empty()) return kind;
    return origin->second.module + "." + kind;
  }

  std::string place_of(std::size_t node) const {
    const auto origin = lifted_.origins.find(reads_.nodes[node]);
    if (origin == lifted_.origins.end() || origin->second.node == nullptr) return "";
    const std::string place = python_place(*origin->second.node, origin->second.calls);
    return place.empty() ? "" : " at " + place;
  }

  Grouping result() {
    Grouping grouping;
    const std::map<std::size_t, std::vector<std::size_t>> of_group = members();
    std::map<std::string, int> times;
    std::map<std::size_t, std::string> ids;
    for (const std::size_t group : topological_order(successors())) {
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
        made.nodes.push_back(reads_.nodes[node]);
        for (Value* output : reads_.nodes[node]->outputs()) {
          bool is_output = output == lifted_.graph->outputs().front();
          for (const NodeRead& reader : reads_.readers[node])
            if (reader.value == output && groups_.find(reader.node) != group) is_output = true;
          if (is_output && known.insert(output).second) made.outputs.push_back(output);
        }
      }
      grouping.groups.push_back(std::move(made));
    }
    std::set<std::vector<std::size_t>> told;
    for (const auto& [slot, nodes] : shared_) {
      // A module's own operations on its weight, beside the one that uses it, are no news.
      const auto num_heavy = std::count_if(nodes.begin(), nodes.end(), [&](std::size_t node) {
        return has_weight(*reads_.nodes[node]);
      });
      if (num_heavy < 2 || !told.insert(nodes).second) continue;
      grouping.notes.push_back(
          "layer " + ids[groups_.find(nodes.front())] + " keeps " + std::to_string(num_heavy) +
          " operations together: they share the parameter " + lifted_.slots[slot].name);
    }
    for (const auto& [writer, nodes] : written_) {
      grouping.notes.push_back(
          "layer " + ids[groups_.find(writer)] + " keeps " + std::to_string(nodes.size()) +
          " operations together: " + reads_.nodes[writer]->kind().toQualString() +
          place_of(writer) + " writes to what they read");
    }
    for (std::size_t i = 0; i < reads_.nodes.size(); ++i)
      if (!reads_.nodes[i]->blocks().empty())
        grouping.notes.push_back(
            "layer " + ids[groups_.find(i)] + " keeps a " +
            std::string(reads_.nodes[i]->kind() == prim::If ? "branch" : "loop") + place_of(i) +
            " whole: the values of tensors decide it");
    return grouping;
  }

  const LiftedGraph& lifted_;
  const std::string& file_;
  const NodeReads reads_;
  UnionFind groups_;
  std::vector<std::pair<std::size_t, std::vector<std::size_t>>> shared_;
  std::vector<std::pair<std::size_t, std::vector<std::size_t>>> written_;
};

}  // namespace

Grouping group_nodes(const LiftedGraph& lifted, const std::string& file) {
  Grouping grouping = Grouper(lifted, file).group();
  if (grouping.groups.empty())
    throw InputError(file, "",
                     "expected a model that computes something from its inputs, found none");
  return grouping;
}

}  // namespace cadastre
