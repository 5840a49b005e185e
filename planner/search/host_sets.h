#pragma once

#include <vector>

#include "planner/division.h"

namespace cadastre {

/// The sets of hosts that a stage may be placed on, up to exchange of identical hosts. Where it
/// matters to the reduction which replica is which, hosts are identical only next to each other.
class HostSets {
 public:
  explicit HostSets(const Cluster& cluster, const DividedAllReduce& all_reduce = {});

  /// Non-empty sets (ascending host indices) of hosts that are still free, one of each kind: of
  /// identical hosts, those with the least indices are taken first.
  [[nodiscard]] std::vector<std::vector<int>> choices(const std::vector<bool>& used) const;

  /// False when the cluster has so many different hosts that only sets of identical ones, and the
  /// set of all that are free, are offered.
  [[nodiscard]] bool complete() const { return complete_; }

 private:
  std::vector<std::vector<int>> classes_;  ///< identical hosts
  bool complete_ = true;
};

}  // namespace cadastre
