#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cadastre::pipedream {

/// The downsets of a small graph as bit sets of `num_words` words each, one after the other.
struct ModuleCuts {
  std::vector<std::uint64_t> words;
  /// What one cut may have more than the next smaller ones: single nodes, or chains of them.
  std::vector<std::vector<std::uint64_t>> groups;
  bool complete = true;
};

/// The downsets of the graph whose node i has the bit set `ancestors[i]` of ancestors, all before
/// i. Neither the empty set nor the whole graph is among them. When there are more than
/// `most_cuts`: those that cut no chain or, when these are too many still, the prefixes of the
/// order.
[[nodiscard]] ModuleCuts enumerate_module_cuts(
    const std::vector<std::vector<std::uint64_t>>& ancestors, std::size_t most_cuts);

}  // namespace cadastre::pipedream
