#pragma once

#include <simgrid/s4u.hpp>
#include <vector>

#include "planner/routes.h"
#include "planner/simulation.h"
#include "simulator/platform.h"

namespace cadastre {

/// Follows how much of each link of the platform is in use, by SimGrid's link load plugin. Must be
/// made before the platform is.
class LinkMeter {
 public:
  LinkMeter();

  /// Begins to sample, all through `expected_s`; when it goes on for longer, more coarsely. To be
  /// called by an actor, once the platform is there; later calls begin anew. `routes` must outlive
  /// the meter.
  void start(const Routes& routes, const Platform& platform, double expected_s);

  /// To be called when the simulation has ended: the links that carried anything between the two
  /// times, which lie in what was sampled, in the order of the routes.
  [[nodiscard]] std::vector<LinkUse> uses(double begin_s, double end_s) const;

 private:
  struct Sample {
    double at_s = 0;
    std::vector<double> bytes;  ///< [link] since the start of the simulation
  };

  void sample();

  struct MeteredLink {
    const HalfLink* half_link = nullptr;
    const simgrid::s4u::Link* link = nullptr;
  };

  std::vector<MeteredLink> links_;
  std::vector<Sample> samples_;
  double interval_s_ = 0;
  int generation_ = 0;
};

}  // namespace cadastre
