#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <vector>

namespace cadastre {

/// Groups of nodes, each known by its lowest node, and those that read what it makes.
using GroupEdges = std::map<std::size_t, std::set<std::size_t>>;

/// Sets of groups that lie on cycles with one another, of two groups or more.
[[nodiscard]] std::vector<std::vector<std::size_t>> cycles(const GroupEdges& edges);

/// Whether a way leads from one group to the other that is longer than one edge.
[[nodiscard]] bool has_detour(const GroupEdges& edges, std::size_t from, std::size_t to);

/// Groups in topological order, of those that are ready the lowest first: as near to the order of
/// the nodes as can be. There must be no cycle.
[[nodiscard]] std::vector<std::size_t> topological_order(const GroupEdges& edges);

}  // namespace cadastre
