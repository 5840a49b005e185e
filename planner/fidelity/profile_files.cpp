#include "planner/fidelity/profile_files.h"

#include <utility>

#include "planner/fidelity/repeated_profile.h"
#include "planner/quantile.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

/// A host's profiles of the numbers up to `count`, each with the whole processors' of that number.
std::vector<HostProfile> pairs_of(const fs::path& group, std::int64_t count, ProfileKind kind,
                                  const std::string& host) {
  std::vector<HostProfile> pairs;
  for (auto& [number, on_host] : read_profiles(group, count, kind, host)) {
    fs::path on_whole = profile_file(group, number, kind);
    if (!fs::exists(on_whole)) on_whole = profile_file(group, number, ProfileKind::kAlone);
    if (fs::exists(on_whole))
      pairs.push_back({.on_host = on_host, .on_whole = read_profile(on_whole)});
  }
  return pairs;
}

}  // namespace

fs::path profile_file(const fs::path& group, std::int64_t number, ProfileKind kind,
                      const std::string& host) {
  std::string name = "profile-" + std::to_string(number);
  if (kind == ProfileKind::kBesideOthers) name += "-beside";
  if (kind == ProfileKind::kByOneThread) name += "-by-one-thread";
  if (!host.empty()) name += "-on-" + host;
  return group / (name + ".json");
}

std::map<std::int64_t, Profile> read_profiles(const fs::path& group, std::int64_t count,
                                              ProfileKind kind, const std::string& host) {
  std::map<std::int64_t, Profile> profiles;
  for (std::int64_t number = 1; number <= count; ++number)
    if (const fs::path file = profile_file(group, number, kind, host); fs::exists(file))
      profiles.emplace(number, read_profile(file));
  return profiles;
}

std::map<std::size_t, HostProfile> host_profiles(const Cluster& stated, const fs::path& group,
                                                 std::int64_t count, ProfileKind kind) {
  std::map<std::size_t, HostProfile> found;
  for (const std::size_t host : hosts_to_measure(stated)) {
    const std::vector<HostProfile> pairs = pairs_of(group, count, kind, stated.hosts[host].name);
    if (pairs.empty()) continue;
    std::vector<Profile> on_host;
    std::vector<Profile> on_whole;
    for (const HostProfile& pair : pairs) {
      on_host.push_back(pair.on_host);
      on_whole.push_back(pair.on_whole);
    }
    found.emplace(host, HostProfile{.on_host = typical_profile(on_host),
                                    .on_whole = typical_profile(on_whole)});
  }
  return found;
}

std::map<std::size_t, double> measured_speeds(const Cluster& stated, const fs::path& group,
                                              std::int64_t count, ProfileKind kind) {
  std::map<std::size_t, double> measured;
  for (const std::size_t host : hosts_to_measure(stated)) {
    std::vector<double> speeds;
    for (const HostProfile& pair : pairs_of(group, count, kind, stated.hosts[host].name))
      speeds.push_back(relative_speed(pair.on_host, pair.on_whole));
    if (!speeds.empty()) measured.emplace(host, median(std::move(speeds)));
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
