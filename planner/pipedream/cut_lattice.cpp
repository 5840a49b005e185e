#include "planner/pipedream/cut_lattice.h"

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>
#include <numeric>

#include "planner/pipedream/module_cuts.h"

namespace cadastre::pipedream {

namespace {

using Words = std::vector<std::uint64_t>;

constexpr std::size_t kBits = 64;

bool has(const std::uint64_t* set, std::size_t node) {
  return (set[node / kBits] >> (node % kBits) & 1) != 0;
}

/// The least power of two of which sums up to `total` are exact, with three bits to spare.
double rounding_unit(double total) {
  int exponent = 0;
  std::frexp(total, &exponent);
  constexpr int kSignificantBits = 50;
  return std::max(std::ldexp(1.0, exponent - kSignificantBits), DBL_MIN);
}

double rounded(double value, double unit) { return std::round(value / unit) * unit; }

/// For each node of `order`, the bit set of those before it that it needs.
std::vector<Words> ancestor_sets(const WeightedGraph& graph, const std::vector<int>& all,
                                 const std::vector<int>& order) {
  const std::size_t num_words = (order.size() + kBits - 1) / kBits;
  std::vector<int> position(graph.nodes.size(), -1);
  for (std::size_t i = 0; i < order.size(); ++i)
    position[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
  std::vector<Words> of_node(graph.nodes.size());
  for (const int node : all) {
    Words& ancestors = of_node[static_cast<std::size_t>(node)];
    ancestors.assign(num_words, 0);
    for (const int predecessor : graph.predecessors[static_cast<std::size_t>(node)]) {
      const auto before = static_cast<std::size_t>(predecessor);
      for (std::size_t w = 0; w < num_words; ++w) ancestors[w] |= of_node[before][w];
      if (const int at = position[before]; at >= 0)
        ancestors[static_cast<std::size_t>(at) / kBits] |= std::uint64_t{1} << (at % 64);
    }
  }
  std::vector<Words> sets;
  for (const int node : order) sets.push_back(std::move(of_node[static_cast<std::size_t>(node)]));
  return sets;
}

/// The ancestors within `size` nodes from `first` on, numbered from there.
std::vector<Words> local_ancestors(const std::vector<Words>& ancestors, std::size_t first,
                                   std::size_t size) {
  std::vector<Words> local(size, Words((size + kBits - 1) / kBits, 0));
  for (std::size_t i = 0; i < size; ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (has(ancestors[first + i].data(), first + k))
        local[i][k / kBits] |= std::uint64_t{1} << (k % kBits);
  return local;
}

/// How many nodes from the first on are all in `set`.
std::size_t prefix_length(const Words& set, std::size_t num_nodes) {
  std::size_t length = 0;
  for (const std::uint64_t word : set) {
    const auto ones = static_cast<std::size_t>(std::countr_one(word));
    length += ones;
    if (ones < kBits) break;
  }
  return std::min(length, num_nodes);
}

}  // namespace

CutLattice::CutLattice(const WeightedGraph& graph, std::size_t most_cuts) {
  double total_s = 0;
  double total_bytes = 0;
  for (const WeightedGraph::Node& node : graph.nodes) {
    total_s += node.compute_s;
    total_bytes += node.parameter_bytes;
  }
  const double unit_s = rounding_unit(total_s);
  const double unit_bytes = rounding_unit(total_bytes);
  const std::vector<int> all = topological_order(graph);
  for (const int node : all) {
    const WeightedGraph::Node& weight = graph.nodes[static_cast<std::size_t>(node)];
    if (weight.compute_s == 0 && weight.parameter_bytes == 0) continue;
    order_.push_back(node);
    weights_.push_back({.compute_s = rounded(weight.compute_s, unit_s),
                        .parameter_bytes = rounded(weight.parameter_bytes, unit_bytes)});
  }

  // The first i nodes are a trunk cut when every node after them needs all of them.
  const std::vector<Words> ancestors = ancestor_sets(graph, all, order_);
  std::vector<std::size_t> trunk = {order_.size()};
  std::size_t needed_by_all_after = order_.size();
  for (std::size_t i = order_.size(); i-- > 0;) {
    needed_by_all_after = std::min(needed_by_all_after, prefix_length(ancestors[i], order_.size()));
    if (needed_by_all_after >= i) trunk.push_back(i);
  }
  std::reverse(trunk.begin(), trunk.end());
  for (std::size_t t = 0; t + 1 < trunk.size(); ++t) {
    const auto used = static_cast<std::size_t>(num_cuts());
    add_module(trunk[t], trunk[t + 1], ancestors, most_cuts > used ? most_cuts - used : 0);
  }
  add_module(order_.size(), order_.size(), ancestors, 0);
  modules_.push_back({.first_node = order_.size(), .first_cut = num_cuts()});
}

void CutLattice::add_module(std::size_t first_node, std::size_t end_node,
                            const std::vector<Words>& ancestors, std::size_t most_cuts) {
  const std::size_t size = end_node - first_node;
  Module module{.first_node = first_node,
                .num_nodes = size,
                .num_words = (size + kBits - 1) / kBits,
                .first_word = words_.size(),
                .first_cut = num_cuts()};
  double start_s = 0;
  double start_bytes = 0;
  if (!modules_.empty()) {
    const Module& before = modules_.back();
    start_s = compute_s_[index(before.first_cut)];
    start_bytes = parameter_bytes_[index(before.first_cut)];
    for (std::size_t i = before.first_node; i < first_node; ++i) {
      start_s += weights_[i].compute_s;
      start_bytes += weights_[i].parameter_bytes;
    }
  }
  const int number = static_cast<int>(modules_.size());
  const auto add_cut = [&](double seconds, double bytes, const std::uint64_t* set) {
    compute_s_.push_back(seconds);
    parameter_bytes_.push_back(bytes);
    module_.push_back(number);
    for (std::size_t w = 0; w < module.num_words; ++w)
      words_.push_back(set == nullptr ? 0 : set[w]);
  };
  std::optional<ModuleCuts> cuts;
  if (size > 1) {
    cuts = enumerate_module_cuts(local_ancestors(ancestors, first_node, size), most_cuts);
    complete_ = complete_ && cuts && cuts->complete;
    if (!cuts) {  // only along the order, as if each node needed the one before
      for (std::size_t node = first_node; node < end_node; ++node)
        add_module(node, node + 1, ancestors, most_cuts);
      return;
    }
  }
  add_cut(start_s, start_bytes, nullptr);
  modules_.push_back(module);
  if (!cuts) return;
  modules_.back().groups = std::move(cuts->groups);

  struct Found {
    double compute_s;
    double parameter_bytes;
    int num_nodes;
    const std::uint64_t* set;
  };

  std::vector<Found> found;
  found.reserve(cuts->words.size() / module.num_words);
  for (std::size_t at = 0; at < cuts->words.size(); at += module.num_words) {
    Found cut{.compute_s = start_s,
              .parameter_bytes = start_bytes,
              .num_nodes = 0,
              .set = cuts->words.data() + at};
    for (std::size_t w = 0; w < module.num_words; ++w) {
      for (std::uint64_t bits = cut.set[w]; bits != 0; bits &= bits - 1) {
        const std::size_t node =
            first_node + w * kBits + static_cast<std::size_t>(std::countr_zero(bits));
        cut.compute_s += weights_[node].compute_s;
        cut.parameter_bytes += weights_[node].parameter_bytes;
        ++cut.num_nodes;
      }
    }
    found.push_back(cut);
  }
  std::sort(found.begin(), found.end(), [&](const Found& a, const Found& b) {
    if (a.compute_s != b.compute_s) return a.compute_s < b.compute_s;
    if (a.num_nodes != b.num_nodes) return a.num_nodes < b.num_nodes;
    return std::lexicographical_compare(a.set, a.set + module.num_words, b.set,
                                        b.set + module.num_words);
  });
  for (const Found& cut : found) add_cut(cut.compute_s, cut.parameter_bytes, cut.set);
}

std::vector<int> CutLattice::nodes_between(int from, int to) const {
  std::vector<int> nodes;
  for (int m = module_of(from); m <= module_of(to); ++m) {
    const Module& module = modules_[index(m)];
    for (std::size_t i = 0; i < module.num_nodes; ++i) {
      const bool before = m == module_of(from) && has(mask(module, from), i);
      const bool after = m == module_of(to) && !has(mask(module, to), i);
      if (!before && !after) nodes.push_back(order_[module.first_node + i]);
    }
  }
  return nodes;
}

CutLattice::Covers CutLattice::covers(int number) const {
  const Module& module = modules_[index(number)];
  const int first = first_cut(number);
  const int end = end_cut(number);
  const std::size_t size = module.num_words;
  // Cuts by their bit sets, for looking up.
  std::vector<int> by_set(static_cast<std::size_t>(end - first));
  std::iota(by_set.begin(), by_set.end(), first);
  const auto less = [&](const std::uint64_t* a, const std::uint64_t* b) {
    return std::lexicographical_compare(a, a + size, b, b + size);
  };
  std::sort(by_set.begin(), by_set.end(),
            [&](int a, int b) { return less(mask(module, a), mask(module, b)); });

  Covers covers;
  Words smaller(size);
  for (int cut = first; cut < end; ++cut) {
    covers.begins.push_back(covers.cuts.size());
    const std::uint64_t* set = mask(module, cut);
    for (const NodeGroup& group : module.groups) {
      if (!has(set, group.last)) continue;
      if (std::any_of(group.needed_by.begin(), group.needed_by.end(),
                      [&](std::size_t node) { return has(set, node); }))
        continue;
      for (std::size_t w = 0; w < size; ++w) smaller[w] = set[w] & ~group.members[w];
      const auto at =
          std::lower_bound(by_set.begin(), by_set.end(), smaller.data(),
                           [&](int a, const std::uint64_t* b) { return less(mask(module, a), b); });
      if (at != by_set.end() && std::equal(smaller.begin(), smaller.end(), mask(module, *at)))
        covers.cuts.push_back(*at);
    }
  }
  covers.begins.push_back(covers.cuts.size());
  return covers;
}

}  // namespace cadastre::pipedream
