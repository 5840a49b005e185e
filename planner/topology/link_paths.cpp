#include "planner/topology/link_paths.h"

namespace cadastre {

std::pair<int, int> LinkPaths::add(const NamedLink& link) {
  const int index = static_cast<int>(links.size());
  const bool apart = link.sharing == Sharing::kSplitDuplex;
  for (const char* direction : {".up", ".down"}) {
    links.push_back({.name = link.name,
                     .bandwidth_bytes_per_s = link.bandwidth_bytes_per_s,
                     .latency_s = link.latency_s,
                     .fat_pipe = link.sharing == Sharing::kFatPipe});
    if (!apart) return {index, index};
    links.back().name += direction;
  }
  return {index, index + 1};
}

Places::Places(const Cluster& cluster) : of_host(cluster.hosts.size()) {
  const std::vector<int> machines = host_machines(cluster);
  std::vector<int> of_machine(cluster.machines.size(), -1);
  for (std::size_t h = 0; h < cluster.hosts.size(); ++h) {
    int* const known =
        machines[h] < 0 ? nullptr : &of_machine[static_cast<std::size_t>(machines[h])];
    if (known != nullptr && *known >= 0) {
      of_host[h] = *known;
      continue;
    }
    of_host[h] = static_cast<int>(names.size());
    if (known != nullptr) *known = of_host[h];
    names.push_back(known != nullptr ? cluster.hosts[h].machine : cluster.hosts[h].name);
    first_host.push_back(static_cast<int>(h));
  }
}

LinkPaths link_paths(const Cluster& cluster, const Places& places) {
  struct {
    const Cluster& cluster;
    const Places& places;

    LinkPaths operator()(std::monostate) const { return star_paths(cluster, places); }

    LinkPaths operator()(const FatTree& tree) const {
      return fat_tree_paths(tree, cluster.network, places);
    }

    LinkPaths operator()(const Torus& torus) const {
      return torus_paths(torus, cluster.network, places);
    }

    LinkPaths operator()(const Dragonfly& dragonfly) const {
      return dragonfly_paths(dragonfly, cluster.network, places);
    }

    LinkPaths operator()(const Graph& graph) const { return graph_paths(graph, places); }

    LinkPaths operator()(const RouteLists& lists) const { return route_list_paths(lists, places); }
  } const paths{cluster, places};

  return std::visit(paths, cluster.network.topology);
}

}  // namespace cadastre
