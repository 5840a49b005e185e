#pragma once

#include <string>
#include <vector>

#include "planner/cluster.h"
#include "planner/conditions.h"
#include "planner/routes.h"

namespace cadastre {

/// How what a cluster has varies from step to step: see `StepVariation`. 0: it does not.
struct StepSpreads {
  std::vector<double> hosts;  ///< [host] of its speed
  std::vector<double> links;  ///< [half link of `Routes`] of its bandwidth; both directions' alike
  [[nodiscard]] bool any() const;
  bool operator==(const StepSpreads&) const = default;
};

/// The spreads of the cluster, but where `variation` says others. A link of a host or machine in a
/// star has that one's, any other link the network's; a machine's memory bus, which no network
/// changes, has none but what `variation` says. A resource that the cluster has not is ignored.
[[nodiscard]] StepSpreads step_spreads(const Cluster& cluster, const Routes& routes,
                                       const StepVariation& variation = {});

/// The name of a half link without its direction: a link is named LINK, its directions LINK.up and
/// LINK.down, or LINK where they are one.
[[nodiscard]] std::string link_name(const HalfLink& half_link);

/// Whether a half link of that name is a link, a direction of it, or is itself what `link` names.
[[nodiscard]] bool is_direction_of(const std::string& half_link, const std::string& link);

}  // namespace cadastre
