#pragma once

#include <simgrid/s4u.hpp>
#include <vector>

#include "planner/cluster.h"
#include "simulator/platform.h"

namespace cadastre {

/// How ranks compute: each on its host, or, where several hosts are on one machine, on the cores
/// that they share: as fast as alone while there are enough, and otherwise by their numbers of
/// cores. What they read and write meanwhile crosses the machine's memory bus, which they share
/// max-min fairly; who comes first waits for the other (a roofline: Williams, Waterman and
/// Patterson 2009).
class Processors {
 public:
  /// Both must outlive it.
  Processors(const Cluster& cluster, const Platform& platform);

  /// Computes on a host (index in the cluster) for so long as `seconds` take it alone, and moves
  /// so many bytes in memory. To be called by the rank's actor.
  void compute(int host, double seconds, double memory_bytes) const;

  /// Work of a host beside what its rank computes, such as its network's: not started yet, and not
  /// of any actor.
  [[nodiscard]] simgrid::s4u::ExecPtr work_beside(int host, double seconds) const;

 private:
  const Cluster& cluster_;
  const Platform& platform_;
  std::vector<int> machine_of_;  ///< [host], -1 where it has its own
};

}  // namespace cadastre
