#pragma once

#include <optional>
#include <string>

#include "planner/cluster.h"

namespace cadastre {

/// What is wrong with a cluster, and where.
struct ClusterFault {
  int host = -1;        ///< it is at this host, whatever entry of the document it stands in
  std::string pointer;  ///< from the host, else from the document's root
  std::string message;  ///< expected …, found …
};

/// The first thing that makes `Routes` impossible, of what is not seen field by field: names that
/// mean nothing, hosts that do not fit the topology or that no way joins, numbers out of range
/// where a cluster was not read but made. Zones and direct links must be of hosts of the cluster.
[[nodiscard]] std::optional<ClusterFault> network_fault(const Cluster& cluster);

/// The part of it that is the topology's own.
[[nodiscard]] std::optional<ClusterFault> topology_fault(const Cluster& cluster);

}  // namespace cadastre
