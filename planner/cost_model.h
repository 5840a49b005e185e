#pragma once

#include <cstdint>
#include <vector>

#include "planner/cluster.h"
#include "planner/program.h"
#include "planner/program_costs.h"
#include "planner/timeline.h"

namespace cadastre {

/// The first interpreter: replays two consecutive steps of `program` with each host's link as one
/// queue each way (first come, first served; latency + bytes / bandwidth, Hockney 1994) and returns
/// the second; its `step_s` is the longest that any rank takes from its end of the first to its end
/// of the second. Sends do not occupy the rank that sends. A reduction starts when its last rank
/// arrives and takes 2(n-1) messages of bytes/n around a ring (`ring_seconds`).
///
/// Not modelled: links shared max-min fairly (the simulator does), processor time spent on
/// communication, memory bandwidth shared by hosts on one machine.
[[nodiscard]] Timeline evaluate(const Program& program, const ProgramCosts& costs,
                                const Cluster& cluster);

/// `evaluate(…).step_s` without the events, for the search.
[[nodiscard]] double step_seconds(const Program& program, const ProgramCosts& costs,
                                  const Cluster& cluster);

/// Seconds of a ring all-reduce of `bytes` over `hosts` (indices in the cluster, in ring order):
/// 2(n-1) rounds, each as long as its slowest message of bytes/n, on the wire and in the rank that
/// receives it.
[[nodiscard]] double ring_seconds(const Cluster& cluster, const std::vector<int>& hosts,
                                  std::int64_t bytes);

}  // namespace cadastre
