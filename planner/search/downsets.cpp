#include "planner/search/downsets.h"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <numeric>
#include <unordered_set>
#include <utility>

namespace cadastre {

namespace {

using LayerDag = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS>;

LayerDag layer_dag(const ModelFacts& model) {
  LayerDag dag(model.num_layers());
  for (std::size_t i = 0; i < model.num_layers(); ++i)
    for (const int read : model.reads[i]) boost::add_edge(static_cast<std::size_t>(read), i, dag);
  return dag;
}

/// Layers that stay together, in topological order, and the units that each needs.
struct Units {
  std::vector<std::vector<std::size_t>> layers;
  std::vector<std::vector<std::size_t>> needs;
};

Units single_layers(const LayerDag& dag) {
  Units units;
  for (std::size_t i = 0; i < boost::num_vertices(dag); ++i) {
    units.layers.push_back({i});
    std::vector<std::size_t>& needs = units.needs.emplace_back();
    for (auto [edge, end] = boost::in_edges(i, dag); edge != end; ++edge)
      needs.push_back(boost::source(*edge, dag));
  }
  return units;
}

/// A layer joins the unit of its only input when it is that input's only reader.
Units whole_chains(const LayerDag& dag) {
  Units units;
  std::vector<std::size_t> unit_of(boost::num_vertices(dag));
  for (std::size_t i = 0; i < boost::num_vertices(dag); ++i) {
    auto [edge, end] = boost::in_edges(i, dag);
    if (boost::in_degree(i, dag) == 1 && boost::out_degree(boost::source(*edge, dag), dag) == 1) {
      unit_of[i] = unit_of[boost::source(*edge, dag)];
      units.layers[unit_of[i]].push_back(i);
      continue;
    }
    unit_of[i] = units.layers.size();
    units.layers.push_back({i});
    std::vector<std::size_t>& needs = units.needs.emplace_back();
    for (; edge != end; ++edge) needs.push_back(unit_of[boost::source(*edge, dag)]);
  }
  return units;
}

struct WordsHash {
  std::size_t operator()(const std::vector<std::uint64_t>& words) const {
    std::uint64_t hash = 0x9e3779b97f4a7c15U;
    for (const std::uint64_t word : words)
      hash = (hash ^ word) * 0xff51afd7ed558ccdU + (hash >> 29);
    return static_cast<std::size_t>(hash ^ (hash >> 32));
  }
};

/// All downsets that are unions of units, or an empty list when there are more than `limit`.
std::vector<LayerSet> unions_of(const Units& units, std::size_t num_layers, std::size_t limit) {
  std::vector<LayerSet> sets = {LayerSet(num_layers)};
  std::unordered_set<std::vector<std::uint64_t>, WordsHash> seen = {sets.front().words()};
  for (std::size_t s = 0; s < sets.size(); ++s) {
    for (std::size_t u = 0; u < units.layers.size(); ++u) {
      const LayerSet& set = sets[s];
      const auto held = [&](std::size_t unit) { return set.contains(units.layers[unit].front()); };
      if (held(u) || !std::all_of(units.needs[u].begin(), units.needs[u].end(), held)) continue;
      LayerSet larger = set;
      for (const std::size_t layer : units.layers[u]) larger.insert(layer);
      if (!seen.insert(larger.words()).second) continue;
      if (sets.size() == limit) return {};
      sets.push_back(std::move(larger));
    }
  }
  return sets;
}

std::vector<LayerSet> prefixes(std::size_t num_layers) {
  std::vector<LayerSet> sets = {LayerSet(num_layers)};
  for (std::size_t i = 0; i < num_layers; ++i) {
    LayerSet larger = sets.back();
    larger.insert(i);
    sets.push_back(std::move(larger));
  }
  return sets;
}

}  // namespace

std::vector<std::size_t> LayerSet::without(const LayerSet& other) const {
  std::vector<std::size_t> layers;
  visit_without(other, [&](std::size_t layer) { layers.push_back(layer); });
  return layers;
}

Downsets enumerate_downsets(const ModelFacts& model, std::size_t limit) {
  const LayerDag dag = layer_dag(model);
  const std::size_t num_layers = model.num_layers();
  Downsets downsets;
  downsets.sets = unions_of(single_layers(dag), num_layers, limit);
  if (!downsets.sets.empty()) return downsets;
  downsets.complete = false;
  downsets.sets = unions_of(whole_chains(dag), num_layers, limit);
  if (downsets.sets.empty()) downsets.sets = prefixes(num_layers);
  return downsets;
}

}  // namespace cadastre
