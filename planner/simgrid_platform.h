#pragma once

#include <string>

#include "planner/cluster.h"

namespace cadastre {

/// A cluster as a platform file of SimGrid 3.32 or later (DTD version 4.1): its hosts, links,
/// routes, watts, and the network model's constants as SimGrid's configuration. A regular topology
/// becomes SimGrid's own `<cluster>` where that has the same hosts and routes, a plain star a zone
/// of host links, anything else links and a route for each two hosts.
///
/// A host's speed is 1 Gf times its relative speed. What SimGrid has no place for (memory, price,
/// address, description) is in properties of that name.
///
/// Throws InputError, naming `file`, where the routes between all hosts must be listed and are too
/// many.
[[nodiscard]] std::string simgrid_platform_xml(const Cluster& cluster, const std::string& file);

}  // namespace cadastre
