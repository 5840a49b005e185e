#include "planner/graph/strong_components.h"

#include <algorithm>

namespace cadastre {

std::vector<std::uint32_t> strong_components(const Rows& successors, std::size_t num_vertices) {
  constexpr std::uint32_t kNone = 0xFFFFFFFFU;

  struct Visit {
    std::uint32_t vertex;
    std::uint32_t next_successor;
  };

  std::vector<std::uint32_t> order(num_vertices, kNone);
  std::vector<std::uint32_t> low(num_vertices, 0);
  std::vector<std::uint32_t> component_of(num_vertices, kNone);
  std::vector<std::uint32_t> open;
  std::vector<Visit> visits;
  std::uint32_t num_ordered = 0;
  std::uint32_t num_components = 0;
  // From the last vertex on, so that the first come first in the topological order.
  for (std::size_t s = num_vertices; s-- > 0;) {
    if (order[s] != kNone) continue;
    visits.push_back({static_cast<std::uint32_t>(s), 0});
    while (!visits.empty()) {
      Visit& visit = visits.back();
      const std::uint32_t v = visit.vertex;
      if (visit.next_successor == 0 && order[v] == kNone) {
        order[v] = low[v] = num_ordered++;
        open.push_back(v);
      }
      const auto after = successors[v];
      if (visit.next_successor < after.size()) {
        const std::uint32_t w = after[after.size() - 1 - visit.next_successor++];
        if (order[w] == kNone)
          visits.push_back({w, 0});
        else if (component_of[w] == kNone)
          low[v] = std::min(low[v], order[w]);
        continue;
      }
      if (low[v] == order[v]) {
        std::uint32_t w = kNone;
        do {
          w = open.back();
          open.pop_back();
          component_of[w] = num_components;
        } while (w != v);
        ++num_components;
      }
      visits.pop_back();
      if (!visits.empty()) low[visits.back().vertex] = std::min(low[visits.back().vertex], low[v]);
    }
  }
  // Tarjan closes a component after all that it leads to.
  for (std::uint32_t& component : component_of) component = num_components - 1 - component;
  return component_of;
}

}  // namespace cadastre
