#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace cadastre {

class JsonPlace;

struct Host {
  std::string name;
  /// Compute speed relative to the device of the profile: a layer takes its profiled seconds
  /// divided by this.
  double relative_speed = 1;
  int cores = 1;
  std::int64_t memory_bytes = 0;
  std::string address;  ///< where its rank listens; empty for hosts that are only simulated
  double price_per_hour = 0;
  double watts = 0;
  /// The host's own link to the switch, where it differs from the network's.
  std::optional<double> bandwidth_bytes_per_s;
  std::optional<double> latency_s;
  bool operator==(const Host&) const = default;
};

/// A cable between two hosts that their traffic takes instead of the switch.
struct DirectLink {
  std::string from;
  std::string to;  ///< both directions
  double bandwidth_bytes_per_s = 0;
  double latency_s = 0;
  bool operator==(const DirectLink&) const = default;
};

/// Hosts behind a switch of their own, which one full-duplex uplink joins to the others: a rack, a
/// room, a site.
struct Zone {
  std::string name;
  std::vector<std::string> hosts;
  double bandwidth_bytes_per_s = 0;  ///< of the uplink, each way
  double latency_s = 0;              ///< of the uplink; a message between two zones crosses both
  bool operator==(const Zone&) const = default;
};

/// A star: every host has one full-duplex link to a switch that never is the bottleneck. Hosts of a
/// zone have a switch of their own; those in none are at the middle one.
struct Network {
  double bandwidth_bytes_per_s = 0;  ///< of each host's link, each way
  double latency_s = 0;              ///< of each host's link; a message crosses two
  /// What a rank takes in a reduction for each byte it receives, beside the wire: copying and
  /// adding.
  double reduction_s_per_byte = 0;
  std::vector<DirectLink> direct_links;
  std::vector<Zone> zones;  ///< a host is in one at most
  bool operator==(const Network&) const = default;
};

struct Cluster {
  std::string name;
  std::string description;
  std::vector<Host> hosts;
  Network network;
  bool operator==(const Cluster&) const = default;
};

/// The way from one host to another, alone on the network.
struct Route {
  double bandwidth_bytes_per_s = 0;
  double latency_s = 0;
  bool direct = false;  ///< over a DirectLink
};

/// Throws nothing; both indices must be valid and different.
[[nodiscard]] Route route_between(const Cluster& cluster, int from, int to);

/// The same over the switches, whatever direct links there are. `zones` as of `host_zones`.
[[nodiscard]] Route star_route(const Cluster& cluster, const std::vector<int>& zones, int from,
                               int to);

/// For each host the index of its zone, or -1.
[[nodiscard]] std::vector<int> host_zones(const Cluster& cluster);

[[nodiscard]] int host_index(const Cluster& cluster, const std::string& name);  ///< -1 when absent

[[nodiscard]] Cluster read_cluster(const std::filesystem::path& file);
[[nodiscard]] Cluster cluster_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const Cluster& cluster);

}  // namespace cadastre
