#pragma once

#include "planner/cost_model.h"
#include "planner/program.h"
#include "planner/timeline.h"

namespace cadastre {

/// The second interpreter: replays two consecutive steps of `program` on SimGrid and returns the
/// second, with `step_s` as `evaluate` defines it.
///
/// Each rank is an actor on its host, where compute takes `costs`. A send never blocks its rank:
/// the message queues on the connection from the one rank to the other, which carries its messages
/// one after the other, as c10d's Gloo transport does over its TCP connections. Connections share
/// the links max-min fairly. A reduction is a `Collective` of real messages, of the program's
/// all-reduce algorithm.
///
/// Latency is added as a message leaves the connection, not by SimGrid's links: a stream of
/// messages then pays it once, not per message, and the links are shared without SimGrid's
/// weighting by 1/latency, under which a connection with no latency would starve all others.
///
/// Not modelled: processor time spent on communication, TCP's slow start, a bound on the memory of
/// messages that wait to be sent, hosts that share a machine.
///
/// Throws std::invalid_argument for a program or cluster that SimGrid would end the process on.
/// SimGrid allows one engine in a process, so a second call throws std::logic_error: see
/// `run_isolated`.
[[nodiscard]] Timeline replay(const Program& program, const ProgramCosts& costs,
                              const Cluster& cluster);

}  // namespace cadastre
