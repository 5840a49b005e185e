#include "planner/fidelity/profile_files.h"

#include <utility>

#include "planner/fidelity/repeated_profile.h"
#include "planner/quantile.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

/// As in a usual moment, as far as it is known what moment it was.
Profile read_at_usual_speed(const ProfilePlace& place, const fs::path& file) {
  const Profile profile = read_profile(file);
  const auto found = place.yardsticks_s.find(file.filename().string());
  if (found == place.yardsticks_s.end()) return profile;
  return slowed(profile, usual_yardstick_s(place) / found->second);
}

/// A host's profiles, each with the whole processors' of that number.
std::vector<HostProfile> pairs_of(const ProfilePlace& place, ProfileKind kind,
                                  const std::string& host) {
  std::vector<HostProfile> pairs;
  for (auto& [number, on_host] : read_profiles(place, kind, host)) {
    fs::path on_whole = profile_file(place.group, number, kind);
    if (!fs::exists(on_whole)) on_whole = profile_file(place.group, number, ProfileKind::kAlone);
    if (fs::exists(on_whole))
      pairs.push_back({.on_host = on_host, .on_whole = read_at_usual_speed(place, on_whole)});
  }
  return pairs;
}

}  // namespace

double usual_yardstick_s(const ProfilePlace& place) {
  std::vector<double> seconds;
  for (const auto& yardstick : place.yardsticks_s) seconds.push_back(yardstick.second);
  return median(std::move(seconds));
}

fs::path profile_file(const fs::path& group, std::int64_t number, ProfileKind kind,
                      const std::string& host) {
  std::string name = "profile-" + std::to_string(number);
  if (kind == ProfileKind::kBesideOthers) name += "-beside";
  if (kind == ProfileKind::kByOneThread) name += "-by-one-thread";
  if (!host.empty()) name += "-on-" + host;
  return group / (name + ".json");
}

std::map<std::int64_t, Profile> read_profiles(const ProfilePlace& place, ProfileKind kind,
                                              const std::string& host) {
  std::map<std::int64_t, Profile> profiles;
  for (std::int64_t number = 1; number <= place.count; ++number)
    if (const fs::path file = profile_file(place.group, number, kind, host); fs::exists(file))
      profiles.emplace(number, read_at_usual_speed(place, file));
  return profiles;
}

std::map<std::size_t, HostProfile> host_profiles(const Cluster& stated, const ProfilePlace& place,
                                                 ProfileKind kind) {
  std::map<std::size_t, HostProfile> found;
  for (const std::size_t host : hosts_to_measure(stated)) {
    const std::vector<HostProfile> pairs = pairs_of(place, kind, stated.hosts[host].name);
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

std::map<std::size_t, double> measured_speeds(const Cluster& stated, const ProfilePlace& place,
                                              ProfileKind kind) {
  std::map<std::size_t, double> measured;
  for (const std::size_t host : hosts_to_measure(stated)) {
    std::vector<double> speeds;
    for (const HostProfile& pair : pairs_of(place, kind, stated.hosts[host].name))
      speeds.push_back(relative_speed(pair.on_host, pair.on_whole));
    if (!speeds.empty()) measured.emplace(host, median(std::move(speeds)));
  }
  return measured;
}

Cluster with_measured_speeds(const Cluster& stated, const ProfilePlace& place, ProfileKind kind) {
  std::map<std::size_t, double> speeds = measured_speeds(stated, place, kind);
  if (kind != ProfileKind::kAlone)
    speeds.merge(measured_speeds(stated, place, ProfileKind::kAlone));
  return with_speeds(stated, speeds);
}

}  // namespace cadastre
