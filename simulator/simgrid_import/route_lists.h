#pragma once

#include <vector>

#include "planner/topology.h"
#include "simulator/simgrid_import/seen_platform.h"

namespace cadastre {

/// Paths as lists that are short where the platform has structure: links that are on the paths of
/// one host alone become its own, and hosts whose paths are the same but for those one class.
/// Without structure, every host is a class, and the lists between two classes are the routes.
[[nodiscard]] RouteLists route_lists(const SeenPaths& paths, const std::vector<Host>& hosts);

}  // namespace cadastre
