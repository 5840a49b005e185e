#include "planner/pipedream/weighted_graph.h"

#include <functional>
#include <queue>

namespace cadastre::pipedream {

std::vector<int> topological_order(const WeightedGraph& graph) {
  std::vector<std::vector<int>> successors(graph.nodes.size());
  std::vector<std::size_t> num_missing(graph.nodes.size());
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (std::size_t node = 0; node < graph.nodes.size(); ++node) {
    num_missing[node] = graph.predecessors[node].size();
    if (num_missing[node] == 0) ready.push(static_cast<int>(node));
    for (const int predecessor : graph.predecessors[node])
      successors[static_cast<std::size_t>(predecessor)].push_back(static_cast<int>(node));
  }
  std::vector<int> order;
  while (!ready.empty()) {
    const int node = ready.top();
    ready.pop();
    order.push_back(node);
    for (const int successor : successors[static_cast<std::size_t>(node)])
      if (--num_missing[static_cast<std::size_t>(successor)] == 0) ready.push(successor);
  }
  return order;
}

}  // namespace cadastre::pipedream
