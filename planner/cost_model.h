#pragma once

#include <cstdint>
#include <vector>

#include "planner/cluster.h"
#include "planner/program.h"
#include "planner/program_costs.h"
#include "planner/routes.h"
#include "planner/timeline.h"

namespace cadastre {

/// The network as the cost model sees it.
struct NetworkCosts {
  explicit NetworkCosts(const Cluster& cluster)
      : routes(cluster),
        reduction_s_per_byte(cluster.network.reduction_s_per_byte),
        message_s(cluster.network.message_s),
        transport_s_per_byte(cluster.network.transport_s_per_byte),
        burst_bytes(cluster.network.burst_bytes) {
    for (const Host& host : cluster.hosts) transport_speeds.push_back(transport_speed(host));
  }

  Routes routes;
  double reduction_s_per_byte = 0;
  double message_s = 0;
  double transport_s_per_byte = 0;
  double burst_bytes = 0;
  std::vector<double> transport_speeds;  ///< [host], relative
};

/// Where the seconds of one rank's step go; what is left of the step is waiting.
struct RankSeconds {
  double compute_s = 0;
  double transfer_s = 0;  ///< waiting for a tensor while it is on the network
  /// Waiting for reductions, and so for the other replicas; of a server or driver that is no
  /// replica, without the latter.
  double reduction_s = 0;
};

struct StepSeconds {
  double step_s = 0;
  double first_step_s = 0;  ///< of a step that nothing went before, until its last rank is done
  std::vector<RankSeconds> ranks;
};

/// The first interpreter: replays two consecutive steps of `program` and returns the second; its
/// `step_s` is the longest that any rank takes from its end of the first to its end of the second.
/// Each host's link, and each zone's uplink, is one queue each way (first come, first served);
/// a message takes latency + bytes / bandwidth (Hockney 1994), less what the links let through at
/// once. A send, and the start of a
/// reduction, occupies its rank for the network's `message_s`. The reduction of a bucket begins
/// when the last rank that takes part has started it and the stage's bucket before it is through,
/// ends for all at the same time, and takes what `AllReduceCost` says; ranks compute meanwhile.
///
/// What a rank computes after waiting takes longer (`RankWaits`); waiting is what its receives and
/// reductions last.
///
/// What the transport of a rank's messages takes of its processor is done while the rank waits, as
/// far as it does, and otherwise makes what it computes next take longer.
///
/// Not modelled: what a reduction's links let through at once (the simulator does), links shared
/// max-min fairly, and by reductions with other messages (the simulator does), processor time spent
/// on conversions to the wire's type, cores and memory bandwidth that hosts of one machine share
/// (the simulator does).
[[nodiscard]] Timeline evaluate(const Program& program, const ProgramCosts& costs,
                                const Cluster& cluster);

/// The same without the events, for the search.
[[nodiscard]] StepSeconds step_seconds(const Program& program, const ProgramCosts& costs,
                                       const NetworkCosts& network);

/// Seconds of a ring all-reduce of `bytes` over `hosts` (indices in the cluster, in ring order):
/// 2(n-1) rounds, each as long as its slowest message of bytes/n, on the wire and in the rank that
/// receives it.
[[nodiscard]] double ring_seconds(const NetworkCosts& network, const std::vector<int>& hosts,
                                  std::int64_t bytes);

}  // namespace cadastre
