#include "executor/torchscript/group_edges.h"

#include <cstdint>
#include <unordered_set>
#include <utility>

#include "planner/graph/strong_components.h"

namespace cadastre {

std::vector<std::vector<std::size_t>> cycles(const GroupEdges& edges) {
  std::vector<std::size_t> groups;
  std::map<std::size_t, std::uint32_t> vertex_of;
  for (const auto& edge : edges) {
    vertex_of[edge.first] = static_cast<std::uint32_t>(groups.size());
    groups.push_back(edge.first);
  }
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (const auto& [from, tos] : edges)
    for (const std::size_t to : tos) pairs.emplace_back(vertex_of.at(from), vertex_of.at(to));
  const std::vector<std::uint32_t> component_of =
      strong_components(Rows(groups.size(), pairs), groups.size());

  std::map<std::uint32_t, std::vector<std::size_t>> members;
  for (std::size_t v = 0; v < groups.size(); ++v) members[component_of[v]].push_back(groups[v]);
  std::vector<std::vector<std::size_t>> found;
  for (auto& [component, of_component] : members)
    if (of_component.size() > 1) found.push_back(std::move(of_component));
  return found;
}

bool has_detour(const GroupEdges& edges, std::size_t from, std::size_t to) {
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

std::vector<std::size_t> topological_order(const GroupEdges& edges) {
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

}  // namespace cadastre
