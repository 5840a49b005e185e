#pragma once

#include <optional>

#include "planner/cluster.h"
#include "planner/profile.h"
#include "planner/search/draft.h"

namespace cadastre::pipedream {

/// The stages that PipeDream's rule gives for any profile and cluster, as a baseline; none with
/// fewer than two hosts. The rule knows only equal machines, so it plans for as many as there are
/// hosts, of their mean speed and the mean bandwidth of their links, with each layer's seconds at
/// the greatest batch size measured. The hosts are then dealt out fastest first to the stages with
/// most work a machine. Hosts that the rule leaves idle are
/// the slowest.
[[nodiscard]] std::optional<Draft> pipedream_draft(const Profile& profile, const Cluster& cluster);

}  // namespace cadastre::pipedream
