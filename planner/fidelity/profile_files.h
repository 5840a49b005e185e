#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "planner/cluster.h"
#include "planner/profile.h"

namespace cadastre {

/// What the machine's other processors, as far as hosts have them, did.
enum class ProfiledWhile { kAlone, kOthersCompute };

/// Of a group's directory: its model's profile of that number, from 1, by a whole processor.
[[nodiscard]] std::filesystem::path profile_file(const std::filesystem::path& group,
                                                 std::int64_t number, ProfiledWhile what);

/// Likewise, by a host of the testbed, alone.
[[nodiscard]] std::filesystem::path profile_file(const std::filesystem::path& group,
                                                 std::int64_t number, const std::string& host);

/// Those of the numbers up to `count` that there are.
[[nodiscard]] std::vector<Profile> read_profiles(const std::filesystem::path& group,
                                                 std::int64_t count, ProfiledWhile what);

/// How fast a group's hosts to measure are by its profiles of numbers up to `count`: the median
/// over the rounds, each by a host's and the whole processor's of the same number. Without hosts
/// that have none.
[[nodiscard]] std::map<std::size_t, double> measured_speeds(const Cluster& stated,
                                                            const std::filesystem::path& group,
                                                            std::int64_t count);

/// A group's cluster, of speeds as stated, with those.
[[nodiscard]] Cluster with_measured_speeds(const Cluster& stated,
                                           const std::filesystem::path& group, std::int64_t count);

}  // namespace cadastre
