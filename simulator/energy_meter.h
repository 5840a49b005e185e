#pragma once

#include <simgrid/s4u.hpp>
#include <string>

#include "planner/cluster.h"

namespace cadastre {

/// The name and value of the property in which SimGrid finds what a host takes.
inline constexpr const char* kWattsProperty = "wattage_per_state";
[[nodiscard]] std::string watts_property(const Host& host);

/// The energy of hosts, by SimGrid's host energy plugin: a host takes its idle watts, and its watts
/// while it computes. Must be made before the platform is.
class EnergyMeter {
 public:
  explicit EnergyMeter(const Cluster& cluster);

  /// Joules that a host has taken by now; 0 where no host of the cluster takes any.
  [[nodiscard]] double consumed_j(const simgrid::s4u::Host* host) const;

 private:
  bool takes_any_ = false;
};

}  // namespace cadastre
