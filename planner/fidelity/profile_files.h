#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "planner/cluster.h"
#include "planner/fidelity/host_speed.h"
#include "planner/profile.h"

namespace cadastre {

/// By whole processors, as many as `profiled_threads` says: alone, and while the machine's others,
/// as far as hosts have them, computed; or by one of several, alone. By a host of the testbed:
/// alone, and while its others computed.
enum class ProfileKind { kAlone, kBesideOthers, kByOneThread };

/// A group's profiles.
struct ProfilePlace {
  std::filesystem::path group;  ///< its directory
  std::int64_t count = 0;       ///< the greatest number of one
  /// What a yardstick took beside them, by file name. Their costs are read as those of a moment in
  /// which it takes `usual_yardstick_s`; of profiles without, as they are.
  std::map<std::string, double> yardsticks_s;
};

/// The median of those.
[[nodiscard]] double usual_yardstick_s(const ProfilePlace& place);

/// Of a group's directory: its model's profile of that number, from 1; by whole processors, or by a
/// host of the testbed, with as many threads as it has cores.
[[nodiscard]] std::filesystem::path profile_file(const std::filesystem::path& group,
                                                 std::int64_t number, ProfileKind kind,
                                                 const std::string& host = {});

/// By number, those that there are.
[[nodiscard]] std::map<std::int64_t, Profile> read_profiles(const ProfilePlace& place,
                                                            ProfileKind kind,
                                                            const std::string& host = {});

/// Of each of a group's hosts to measure, where it has any of those profiles: the typical one, and
/// that of the whole processors at the same numbers and of the same kind (beside nobody, where
/// whole processors have no others).
[[nodiscard]] std::map<std::size_t, HostProfile> host_profiles(const Cluster& stated,
                                                               const ProfilePlace& place,
                                                               ProfileKind kind);

/// How fast a group's hosts to measure are, alone or beside others: the median over the numbers,
/// each by two such profiles. Without hosts that have none.
[[nodiscard]] std::map<std::size_t, double> measured_speeds(const Cluster& stated,
                                                            const ProfilePlace& place,
                                                            ProfileKind kind);

/// A group's cluster, of speeds as stated, `with_speeds` of those; beside others, of what is not
/// measured as alone.
[[nodiscard]] Cluster with_measured_speeds(const Cluster& stated, const ProfilePlace& place,
                                           ProfileKind kind);

}  // namespace cadastre
