#pragma once

#include <string>

#include "planner/compute_spread.h"
#include "planner/conditions.h"
#include "planner/cost_model.h"
#include "planner/memory_traffic.h"
#include "planner/program.h"
#include "planner/simulation.h"
#include "planner/timeline.h"

namespace cadastre {

struct ReplayOptions {
  Conditions conditions;
  /// Of each instruction's compute time, where the jitter of the conditions comes from the profile.
  ProgramSpreads spreads;
  ProgramMemoryTraffic memory_traffic;  ///< where hosts share machines; none when empty
  bool meter_links = false;             ///< follow how much of each link is in use: takes time
  std::string paje_file;                ///< where SimGrid writes a Paje trace; nowhere when empty
};

/// The timeline of the last step, and figures; of these, what the program and the cluster alone say
/// (memory, price) is left at 0.
struct ReplayResult {
  Timeline timeline;
  SimulationFigures figures;
};

/// The second interpreter: replays a first step of `program`, which fills the pipeline, and then
/// the steps to measure, on SimGrid. The timeline is of the last; its `step_s` is as `evaluate`
/// defines it.
///
/// Each rank is an actor on its host, where compute takes `costs`. A send never blocks its rank:
/// the message queues on the connection from the one rank to the other, which carries its messages
/// one after the other, as c10d's Gloo transport does over its TCP connections. Connections share
/// the links max-min fairly. A reduction is a `Collective` of real messages, of the program's
/// all-reduce algorithm, which goes on beside what its ranks do otherwise; a host that handles what
/// it received while its rank computes does each the slower.
///
/// What a rank computes after waiting takes longer, as in the cost model (`RankWaits`).
///
/// Latency is added as a message leaves the connection, not by SimGrid's links: a stream of
/// messages then pays it once, not per message, and the links are shared without SimGrid's
/// weighting by 1/latency, under which a connection with no latency would starve all others.
///
/// A failure of the conditions that the program is touched by ends all ranks; they start again from
/// the last step after which every rank had written its checkpoint.
///
/// Hosts of one machine share its cores and its memory bus.
///
/// Links that were idle let through at once what their token buckets hold (`TokenBuckets`).
///
/// The transport of a message takes of the processors of both its ends, beside what they compute.
///
/// Not modelled: TCP's slow start, a bound on the memory of messages that wait to be sent.
///
/// Throws std::invalid_argument for a program or cluster that SimGrid would end the process on;
/// conditions must have been checked (`check_conditions`). SimGrid allows one engine in a process,
/// so a second call throws std::logic_error: see `run_isolated`.
[[nodiscard]] ReplayResult replay(const Program& program, const ProgramCosts& costs,
                                  const Cluster& cluster, const ReplayOptions& options = {});

}  // namespace cadastre
