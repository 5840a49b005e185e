#include "planner/search/downsets.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace cadastre {

namespace {

struct WordsHash {
  std::size_t operator()(const std::vector<std::uint64_t>& words) const {
    std::uint64_t hash = 0x9e3779b97f4a7c15U;
    for (const std::uint64_t word : words)
      hash = (hash ^ word) * 0xff51afd7ed558ccdU + (hash >> 29);
    return static_cast<std::size_t>(hash ^ (hash >> 32));
  }
};

}  // namespace

std::vector<std::size_t> LayerSet::without(const LayerSet& other) const {
  std::vector<std::size_t> layers;
  visit_without(other, [&](std::size_t layer) { layers.push_back(layer); });
  return layers;
}

Downsets enumerate_downsets(const ModelFacts& model, std::size_t limit) {
  const std::size_t num_layers = model.num_layers();
  Downsets downsets;
  // The prefixes of the model's order alone are more.
  if (num_layers >= limit) return downsets;
  std::vector<LayerSet>& sets = downsets.sets;
  sets.emplace_back(num_layers);
  downsets.last_layers = {0};
  downsets.without_last = {0};
  std::unordered_set<std::vector<std::uint64_t>, WordsHash> seen = {sets.front().words()};
  // [set] the layers that may come next: all that they read is in the set.
  std::vector<std::vector<int>> next(1);
  for (std::size_t i = 0; i < num_layers; ++i)
    if (model.reads[i].empty()) next.front().push_back(static_cast<int>(i));
  for (std::size_t s = 0; s < sets.size(); ++s) {
    const std::vector<int> candidates = std::move(next[s]);
    // Every choice of them makes another downset.
    constexpr std::size_t kMostBits = 63;
    if (candidates.size() >= kMostBits || std::size_t{1} << candidates.size() > limit) return {};
    for (const int added : candidates) {
      LayerSet larger = sets[s];
      larger.insert(static_cast<std::size_t>(added));
      if (!seen.insert(larger.words()).second) continue;
      if (sets.size() == limit) return {};
      std::vector<int>& of_larger = next.emplace_back();
      for (const int other : candidates)
        if (other != added) of_larger.push_back(other);
      for (const int reader : model.read_by[static_cast<std::size_t>(added)]) {
        const std::vector<int>& reads = model.reads[static_cast<std::size_t>(reader)];
        if (std::all_of(reads.begin(), reads.end(),
                        [&](int read) { return larger.contains(static_cast<std::size_t>(read)); }))
          of_larger.push_back(reader);
      }
      std::sort(of_larger.begin(), of_larger.end());
      sets.push_back(std::move(larger));
      downsets.last_layers.push_back(static_cast<std::size_t>(added));
      downsets.without_last.push_back(s);
    }
  }
  downsets.complete = true;
  return downsets;
}

}  // namespace cadastre
