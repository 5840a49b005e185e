#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "planner/cluster.h"
#include "planner/profile.h"

namespace cadastre {

/// A testbed's hosts that have parts of processors, one of those of each speed and number of cores:
/// how fast these are has to be measured. A part of a processor is less than it says: what takes
/// the rest costs what runs there caches and switches, too.
[[nodiscard]] std::vector<std::size_t> hosts_to_measure(const Cluster& stated);

/// How fast a host is relative to another by two profiles of one model, at the same sizes of batch,
/// on each: by the seconds of a sample through the whole network, all sizes alike.
[[nodiscard]] double relative_speed(const Profile& on_host, const Profile& on_other);

/// The cluster with those speeds, by host, of the hosts and of all that are stated to be like them.
/// Their speed for messages is what it was.
[[nodiscard]] Cluster with_speeds(const Cluster& stated,
                                  const std::map<std::size_t, double>& speeds);

}  // namespace cadastre
