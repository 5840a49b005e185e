#pragma once

#include <string>
#include <vector>

#include "planner/cluster.h"
#include "planner/conditions.h"
#include "planner/program.h"
#include "planner/routes.h"
#include "simulator/platform.h"

namespace cadastre {

/// Throws InputError (`file`, JSON pointer) for conditions that name what the cluster has not, or
/// under which the program of `plan` can never end: a host or link that it needs fails for ever.
void check_conditions(const Conditions& conditions, const std::string& file, const Program& program,
                      const Cluster& cluster, const std::string& plan = "the plan");

/// Whether the program computes on the resource, or sends over it.
[[nodiscard]] bool is_needed(const Resource& resource, const Program& program,
                             const Cluster& cluster);

/// What `build_platform` needs for the background traffic of checked conditions.
[[nodiscard]] std::vector<PlatformFlow> background_flows(const Conditions& conditions,
                                                         const Cluster& cluster);

/// Puts slow hosts, slow links and background traffic of checked conditions on the platform of
/// `cluster`, which has their `background_flows`. Before the engine runs.
void apply_conditions(const Conditions& conditions, const Cluster& cluster, const Routes& routes,
                      const Platform& platform);

}  // namespace cadastre
