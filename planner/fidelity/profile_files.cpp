#include "planner/fidelity/profile_files.h"

#include <algorithm>

#include "planner/fidelity/host_speed.h"
#include "planner/quantile.h"

namespace cadastre {

namespace fs = std::filesystem;

fs::path profile_file(const fs::path& group, std::int64_t number, ProfileKind kind) {
  const std::string name = "profile-" + std::to_string(number);
  switch (kind) {
    case ProfileKind::kAlone:
      return group / (name + ".json");
    case ProfileKind::kBesideOthers:
      return group / (name + "-beside.json");
    case ProfileKind::kByOneThread:
      return group / (name + "-by-one-thread.json");
  }
  return group / name;
}

fs::path profile_file(const fs::path& group, std::int64_t number, const std::string& host) {
  return group / ("profile-" + std::to_string(number) + "-on-" + host + ".json");
}

std::vector<Profile> read_profiles(const fs::path& group, std::int64_t count, ProfileKind kind) {
  std::vector<Profile> profiles;
  for (std::int64_t number = 1; number <= count; ++number)
    if (const fs::path file = profile_file(group, number, kind); fs::exists(file))
      profiles.push_back(read_profile(file));
  return profiles;
}

std::map<std::size_t, double> measured_speeds(const Cluster& stated, const fs::path& group,
                                              std::int64_t count) {
  std::map<std::size_t, double> measured;
  for (const std::size_t host : hosts_to_measure(stated)) {
    std::vector<double> speeds;
    for (std::int64_t number = 1; number <= count; ++number) {
      const fs::path on_host = profile_file(group, number, stated.hosts[host].name);
      const fs::path alone = profile_file(group, number, ProfileKind::kAlone);
      if (fs::exists(on_host) && fs::exists(alone))
        speeds.push_back(relative_speed(read_profile(on_host), read_profile(alone)));
    }
    if (speeds.empty()) continue;
    std::sort(speeds.begin(), speeds.end());
    constexpr double kHalf = 0.5;
    measured.emplace(host, quantile(speeds, kHalf));
  }
  return measured;
}

Cluster with_measured_speeds(const Cluster& stated, const fs::path& group, std::int64_t count) {
  return with_speeds(stated, measured_speeds(stated, group, count));
}

}  // namespace cadastre
