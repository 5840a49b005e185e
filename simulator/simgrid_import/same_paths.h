#pragma once

#include <utility>
#include <vector>

#include "planner/cluster.h"
#include "simulator/simgrid_import/seen_platform.h"

namespace cadastre {

/// Pairs of hosts to compare the paths of: all of them where there are few hosts; else each host
/// with its neighbours in number and some drawn from a fixed seed.
[[nodiscard]] std::vector<std::pair<int, int>> sampled_pairs(int num_hosts);

/// Whether messages between these hosts of `cluster` cross links as SimGrid's do, whatever their
/// names: as many, of the same bandwidths and latencies, in the same order, and one in the cluster
/// for one in SimGrid.
[[nodiscard]] bool same_paths(const Cluster& cluster, const std::vector<std::pair<int, int>>& pairs,
                              const SeenPlatform& platform);

/// The same for all pairs.
[[nodiscard]] bool same_paths(const Cluster& cluster, const SeenPaths& paths);

}  // namespace cadastre
