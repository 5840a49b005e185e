#pragma once

#include <string>
#include <utility>
#include <vector>

#include "planner/cluster.h"
#include "planner/routes.h"

namespace simgrid::s4u {
class Engine;
class Host;
class Link;
}  // namespace simgrid::s4u

namespace cadastre {

/// SimGrid's network model, the constants of `cluster` in it and the cluster's wiring, in words,
/// for `Simulation::network_model`.
[[nodiscard]] std::string network_model_text(const Cluster& cluster);

/// Silences SimGrid's log and chooses the models that `network_model_text` names. Must follow the
/// making of the engine and precede that of its platform.
void configure_simgrid(const Cluster& cluster);

/// Throws std::invalid_argument where SimGrid would end the process on `cluster`: a speed or
/// bandwidth that is not finite and > 0, a negative latency, a direct link or a zone of an unknown
/// host, a host in two zones, or what `network_fault` names.
void check_platform(const Cluster& cluster);

/// Traffic that is none of a program's, between two hosts (indices in the cluster).
struct PlatformFlow {
  int from = 0;
  int to = 0;
  double bandwidth_bytes_per_s = 0;  ///< that it takes at most
};

/// What the hosts of one machine share, in SimGrid; nothing where there is but one.
struct PlatformMachine {
  simgrid::s4u::Host* processor = nullptr;  ///< with the machine's cores
  // Hosts between which the way is the memory bus.
  simgrid::s4u::Host* bus_begin = nullptr;
  simgrid::s4u::Host* bus_end = nullptr;
};

/// A cluster in SimGrid.
struct Platform {
  std::vector<simgrid::s4u::Host*> hosts;  ///< of the cluster, in order
  std::vector<simgrid::s4u::Link*> links;  ///< [half link of `Routes`], null where none is needed
  std::vector<PlatformMachine> machines;   ///< of the cluster, in order
  /// [flow] hosts of its own at both ends, between which the way is that of the cluster's hosts,
  /// and as narrow as the flow is.
  std::vector<std::pair<simgrid::s4u::Host*, simgrid::s4u::Host*>> flow_ends;
};

/// The hosts of a checked cluster, and the links of `routes` that a message from the first to the
/// second host of a pair crosses: between others there is no way. Every half link is a link of its
/// own, and what TCP's window lets through on a way a fat pipe in it. The links carry no latency:
/// `replay` adds it (see there why).
[[nodiscard]] Platform build_platform(const simgrid::s4u::Engine& engine, const Cluster& cluster,
                                      const Routes& routes,
                                      const std::vector<std::pair<int, int>>& pairs,
                                      const std::vector<PlatformFlow>& flows = {});

/// The hosts alone, with ways between all of them: for small clusters.
[[nodiscard]] std::vector<simgrid::s4u::Host*> build_platform(const simgrid::s4u::Engine& engine,
                                                              const Cluster& cluster);

}  // namespace cadastre
