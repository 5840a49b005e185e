#include "planner/fidelity/profile_files.h"

#include <algorithm>

#include "planner/fidelity/host_speed.h"
#include "planner/fidelity/repeated_profile.h"
#include "planner/quantile.h"

namespace cadastre {

namespace fs = std::filesystem;

fs::path profile_file(const fs::path& group, std::int64_t number, ProfileKind kind,
                      const std::string& host) {
  std::string name = "profile-" + std::to_string(number);
  if (kind == ProfileKind::kBesideOthers) name += "-beside";
  if (kind == ProfileKind::kByOneThread) name += "-by-one-thread";
  if (!host.empty()) name += "-on-" + host;
  return group / (name + ".json");
}

std::vector<Profile> read_profiles(const fs::path& group, std::int64_t count, ProfileKind kind,
                                   const std::string& host) {
  std::vector<Profile> profiles;
  for (std::int64_t number = 1; number <= count; ++number)
    if (const fs::path file = profile_file(group, number, kind, host); fs::exists(file))
      profiles.push_back(read_profile(file));
  return profiles;
}

std::map<std::size_t, Profile> host_profiles(const Cluster& stated, const fs::path& group,
                                             std::int64_t count, ProfileKind kind) {
  std::map<std::size_t, Profile> found;
  for (const std::size_t host : hosts_to_measure(stated))
    if (const std::vector<Profile> profiles =
            read_profiles(group, count, kind, stated.hosts[host].name);
        !profiles.empty())
      found.emplace(host, typical_profile(profiles));
  return found;
}

std::map<std::size_t, double> measured_speeds(const Cluster& stated, const fs::path& group,
                                              std::int64_t count, ProfileKind kind) {
  std::map<std::size_t, double> measured;
  for (const std::size_t host : hosts_to_measure(stated)) {
    std::vector<double> speeds;
    for (std::int64_t number = 1; number <= count; ++number) {
      const fs::path on_host = profile_file(group, number, kind, stated.hosts[host].name);
      fs::path on_whole = profile_file(group, number, kind);
      if (!fs::exists(on_whole)) on_whole = profile_file(group, number, ProfileKind::kAlone);
      if (fs::exists(on_host) && fs::exists(on_whole))
        speeds.push_back(relative_speed(read_profile(on_host), read_profile(on_whole)));
    }
    if (speeds.empty()) continue;
    std::sort(speeds.begin(), speeds.end());
    constexpr double kHalf = 0.5;
    measured.emplace(host, quantile(speeds, kHalf));
  }
  return measured;
}

Cluster with_measured_speeds(const Cluster& stated, const fs::path& group, std::int64_t count,
                             ProfileKind kind) {
  std::map<std::size_t, double> speeds = measured_speeds(stated, group, count, kind);
  if (kind != ProfileKind::kAlone)
    speeds.merge(measured_speeds(stated, group, count, ProfileKind::kAlone));
  return with_speeds(stated, speeds);
}

}  // namespace cadastre
