#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "planner/cluster.h"

namespace cadastre {

struct SimgridImportOptions {
  std::optional<std::int64_t> memory_bytes;  ///< of hosts whose platform does not say
  /// A core of this speed has relative speed 1; without it, the fastest host's.
  std::optional<double> reference_speed_flops_per_s;
};

struct SimgridImport {
  Cluster cluster;
  std::string
      left_out;  ///< what the platform has and the cluster has not, in words; empty: nothing
};

/// A platform file of SimGrid as a cluster whose messages cross the links that SimGrid's do: one of
/// SimGrid's own topologies where the platform is one `<cluster>`, a star where every host has a
/// link of its own, else lists of links. SimGrid loads it, in a process of its own. Left out are
/// availability profiles, disks, actors, and what hosts send themselves.
///
/// Throws InputError where the file is no platform, SimGrid refuses it, or two hosts have no route.
[[nodiscard]] SimgridImport import_simgrid(const std::filesystem::path& file,
                                           const SimgridImportOptions& options);

}  // namespace cadastre
