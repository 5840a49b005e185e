#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "executor/launch/launch.h"
#include "planner/cluster.h"

namespace cadastre {

struct ProbeOptions {
  int num_local_ranks = 2;
  std::filesystem::path model;  ///< what to time; empty: a convolution
  LaunchOptions launch{.local = true};
};

/// Measures this machine as a cluster of local ranks of one core each, started together as a run
/// would: their speed while all of them compute, relative to one alone (the device of a profile
/// made here), and latency and bandwidth of a message between two of them. Throws
/// std::runtime_error naming the rank when one dies.
[[nodiscard]] Cluster probe_local(const ProbeOptions& options,
                                  const std::function<void(int done, int total)>& progress);

/// What each started rank does: measures and tells the coordinator.
void probe_as_rank(RankLink& link);

}  // namespace cadastre
