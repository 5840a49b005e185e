#pragma once

#include <vector>

namespace cadastre::pipedream {

/// What PipeDream's rule looks at: for each node its seconds (forward and backward) and its bytes
/// of parameters, both finite and >= 0, and the nodes that it reads. Acyclic.
struct WeightedGraph {
  struct Node {
    double compute_s = 0;
    double parameter_bytes = 0;
  };

  std::vector<Node> nodes;
  std::vector<std::vector<int>> predecessors;  ///< for each node
};

/// The nodes, each after its predecessors; of those that are free, the least index first. Shorter
/// than the graph when it has a cycle.
[[nodiscard]] std::vector<int> topological_order(const WeightedGraph& graph);

}  // namespace cadastre::pipedream
