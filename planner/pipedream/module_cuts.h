#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace cadastre::pipedream {

/// Nodes that are in a cut together or not at all: one node, or a chain of them.
struct NodeGroup {
  std::vector<std::uint64_t> members;
  std::size_t last = 0;                ///< its last member
  std::vector<std::size_t> needed_by;  ///< first members of the groups that need it, ascending
};

/// The downsets of a small graph as bit sets, one after the other.
struct ModuleCuts {
  std::vector<std::uint64_t> words;
  std::vector<NodeGroup> groups;  ///< by which a cut and the next smaller ones differ
  bool complete = true;
};

/// The downsets of the graph whose node i has the bit set `ancestors[i]` of ancestors, all before
/// i. Neither the empty set nor the whole graph is among them. When there are more than
/// `most_cuts`, or the graph is too large to tell, only those that cut no chain; nothing when these
/// are too many still.
[[nodiscard]] std::optional<ModuleCuts> enumerate_module_cuts(
    const std::vector<std::vector<std::uint64_t>>& ancestors, std::size_t most_cuts);

}  // namespace cadastre::pipedream
