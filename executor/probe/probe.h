#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "executor/launch/launch.h"
#include "executor/probe/measurements.h"
#include "planner/cluster.h"

namespace cadastre {

struct ProbeOptions {
  int num_local_ranks =
      0;                 ///< ranks on this machine to measure as hosts; 0: of others, by `launch`
  int num_threads = 0;   ///< of each host; 0: one of local ranks, elsewhere all cores it may use
  double compute_s = 2;  ///< that hosts compute for: longer tells more of how their speed varies
  std::filesystem::path model;    ///< what to time; empty: the profile's, else a convolution
  std::filesystem::path profile;  ///< whose device speeds are relative to; empty: the first host
  std::vector<std::filesystem::path> outputs;  ///< that must be writable before anything starts
  LaunchOptions launch;
};

struct ProbeResult {
  ProbeMeasurements measurements;
  Cluster cluster;
  std::vector<std::string> warnings;
};

/// Measures hosts, started as those of a run would be, and the network between them: each host's
/// speed while all of them compute, the ways between each two, reductions over all. Speeds are
/// relative to the profile's device or to the first host, alone on its machine. Throws InputError
/// where the request or a host is wrong, and std::runtime_error naming the rank when one dies.
[[nodiscard]] ProbeResult probe(const ProbeOptions& options,
                                const std::function<void(int done, int total)>& progress);

/// For a process that a launcher started as another than number 0: becomes that rank.
[[noreturn]] void become_probe_rank(const ProbeOptions& options,
                                    const LauncherEnvironment& environment);

}  // namespace cadastre
