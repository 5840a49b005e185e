#pragma once

#include <vector>

#include "planner/cluster.h"
#include "planner/plan.h"
#include "planner/profile.h"

namespace cadastre::pipedream {

/// The stages that PipeDream's rule gives for any profile and cluster, as a baseline; empty with
/// fewer than two hosts. The rule knows only equal machines, so it plans for as many as there are
/// hosts, of their mean speed and the mean bandwidth of their links, with each layer's seconds at
/// the greatest batch size measured. The hosts are then dealt out fastest first to the stages with
/// most work a machine, and share each micro-batch by speed. Hosts that the rule leaves idle are
/// the slowest.
[[nodiscard]] std::vector<Stage> pipedream_stages(const Profile& profile, const Cluster& cluster);

}  // namespace cadastre::pipedream
