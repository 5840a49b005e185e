#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "planner/cluster.h"
#include "planner/profile.h"

namespace cadastre {

/// By whole processors, as many as `profiled_threads` says: alone, and while the machine's others,
/// as far as hosts have them, computed; or by one of several, alone. By a host of the testbed:
/// alone, and while its others computed.
enum class ProfileKind { kAlone, kBesideOthers, kByOneThread };

/// Of a group's directory: its model's profile of that number, from 1; by whole processors, or by a
/// host of the testbed, with as many threads as it has cores.
[[nodiscard]] std::filesystem::path profile_file(const std::filesystem::path& group,
                                                 std::int64_t number, ProfileKind kind,
                                                 const std::string& host = {});

/// Those of the numbers up to `count` that there are.
[[nodiscard]] std::vector<Profile> read_profiles(const std::filesystem::path& group,
                                                 std::int64_t count, ProfileKind kind,
                                                 const std::string& host = {});

/// Of each of a group's hosts to measure the typical one of those, where there are any.
[[nodiscard]] std::map<std::size_t, Profile> host_profiles(const Cluster& stated,
                                                           const std::filesystem::path& group,
                                                           std::int64_t count, ProfileKind kind);

/// How fast a group's hosts to measure are, alone or beside others, by its profiles of numbers up
/// to `count`: the median over the rounds, each by a host's and the whole processors' of the same
/// number and kind (beside nobody, where whole processors have no others). Without hosts that have
/// none.
[[nodiscard]] std::map<std::size_t, double> measured_speeds(const Cluster& stated,
                                                            const std::filesystem::path& group,
                                                            std::int64_t count, ProfileKind kind);

/// A group's cluster, of speeds as stated, `with_speeds` of those; beside others, of what is not
/// measured as alone.
[[nodiscard]] Cluster with_measured_speeds(const Cluster& stated,
                                           const std::filesystem::path& group, std::int64_t count,
                                           ProfileKind kind);

}  // namespace cadastre
