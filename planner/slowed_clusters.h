#pragma once

#include <vector>

#include "planner/cluster.h"
#include "planner/step_spreads.h"

namespace cadastre {

/// The cluster as it is in bad steps: what varies from step to step is as slow as in the worst
/// quarter, and as in the worst twentieth, of its steps. All hosts and links that vary at once, all
/// hosts, all links, and each of those that vary most alone. A plan that is good on one of these
/// asks less of what is not to be relied on. Without duplicates, and without the cluster itself.
///
/// Links are told apart in a star; in other topologies, all are as slow as the one that varies
/// most.
[[nodiscard]] std::vector<Cluster> slowed_clusters(const Cluster& cluster, const Routes& routes,
                                                   const StepSpreads& spreads);

}  // namespace cadastre
