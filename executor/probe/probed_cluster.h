#pragma once

#include <string>

#include "executor/probe/measurements.h"
#include "executor/probe/star_fit.h"
#include "planner/cluster.h"

namespace cadastre {

/// The network between the machines of the hosts: `fit_star` with a link for each machine.
[[nodiscard]] StarFit fit_machines(const ProbeMeasurements& measurements);

/// The cluster that was measured. Where all hosts are on one machine, each has a link of its own
/// to a switch, as fast as messages between two of them; on several, hosts that share one share its
/// link. What a reduction takes beyond its messages is the median over the sizes of 256 KB and more
/// that were measured. Speeds vary as the passes did; a link's bandwidth as the messages of the
/// ways over it did, in the median, which one restless link elsewhere does not change. Numbers have
/// four digits; links within 10 % of the median are like it.
[[nodiscard]] Cluster cluster_of(const ProbeMeasurements& measurements, const StarFit& machines,
                                 const std::string& name);

}  // namespace cadastre
