#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "planner/cluster.h"

namespace cadastre {

/// One direction of a link, or both where they share one capacity.
struct HalfLink {
  std::string name;
  double bandwidth_bytes_per_s = 0;
  double latency_s = 0;
  bool fat_pipe = false;  ///< every message gets all of it
};

/// The links of a network and, for two of its places, those that a message crosses. A place is
/// where a host is, or a machine of several.
struct LinkPaths {
  std::vector<HalfLink> links;

  /// Appends what a message from one place to another, different one crosses, in order.
  std::function<void(int from, int to, std::vector<int>& path)> append;

  // [place] a link that every message from it, or to it, crosses; -1 where there is none.
  std::vector<int> only_exit;
  std::vector<int> only_entry;

  /// Adds a link and returns its two directions: NAME.up and NAME.down, or twice NAME.
  std::pair<int, int> add(const NamedLink& link);
};

/// Where the hosts of a cluster are: the machine of each, or a place of its own; in the order of
/// their first hosts.
struct Places {
  explicit Places(const Cluster& cluster);

  std::vector<int> of_host;
  std::vector<std::string> names;  ///< of the machine or host
  std::vector<int> first_host;     ///< on it
};

// The paths of each topology. The cluster must be sound (`network_fault`).

[[nodiscard]] LinkPaths star_paths(const Cluster& cluster, const Places& places);
[[nodiscard]] LinkPaths fat_tree_paths(const FatTree& tree, const Network& network,
                                       const Places& places);
[[nodiscard]] LinkPaths torus_paths(const Torus& torus, const Network& network,
                                    const Places& places);
[[nodiscard]] LinkPaths dragonfly_paths(const Dragonfly& dragonfly, const Network& network,
                                        const Places& places);
[[nodiscard]] LinkPaths graph_paths(const Graph& graph, const Places& places);
[[nodiscard]] LinkPaths route_list_paths(const RouteLists& lists, const Places& places);

[[nodiscard]] LinkPaths link_paths(const Cluster& cluster, const Places& places);

}  // namespace cadastre
