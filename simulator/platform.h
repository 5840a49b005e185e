#pragma once

#include <string>
#include <vector>

#include "planner/cluster.h"

namespace simgrid::s4u {
class Engine;
class Host;
}  // namespace simgrid::s4u

namespace cadastre {

/// SimGrid's network model and its constants, in words, for `Simulation::network_model`.
[[nodiscard]] const std::string& network_model_text();

/// Silences SimGrid's log and chooses the models that `network_model_text` names. Must follow the
/// making of the engine and precede that of its platform.
void configure_simgrid();

/// Throws std::invalid_argument where SimGrid would end the process on `cluster`: a speed or
/// bandwidth that is not finite and > 0, a negative latency, a direct link or a zone of an unknown
/// host, a host in two zones.
void check_platform(const Cluster& cluster);

/// The hosts of a checked cluster as SimGrid hosts, in order, on a star of one link each way per
/// host, and one each way per zone that all traffic of its hosts with others crosses; each direct
/// link is a pair of links of its own, which the route between its two hosts takes. The links carry
/// no latency: `replay` adds it (see there why).
[[nodiscard]] std::vector<simgrid::s4u::Host*> build_platform(const simgrid::s4u::Engine& engine,
                                                              const Cluster& cluster);

}  // namespace cadastre
