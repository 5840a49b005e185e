#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "planner/topology.h"

namespace cadastre {

class JsonPlace;

/// Most that a host's speed or a link's bandwidth may vary between steps: under a log-normal law, a
/// step in four is then 4 times slower than the median, or more.
inline constexpr double kMostStepSpread = 4;

struct Host {
  std::string name;
  /// Compute speed relative to the device of the profile: a layer takes its profiled seconds
  /// divided by this.
  double relative_speed = 1;
  int cores = 1;  ///< that it uses, of those of its machine
  std::int64_t memory_bytes = 0;
  std::string address;  ///< where its rank listens; empty for hosts that are only simulated
  double price_per_hour = 0;
  double watts = 0;  ///< while it computes
  /// The host's own link to the switch, where it differs from the network's.
  std::optional<double> bandwidth_bytes_per_s;
  std::optional<double> latency_s;
  std::optional<double> idle_watts;  ///< while it does not; without it, `watts`
  std::string machine;               ///< that it shares with other hosts; empty: it has its own
  std::optional<double> mtbf_s;      ///< mean time between its failures, > 0; see `host_mtbf_s`
  /// How its speed varies from step to step (others use it, too; it gets hot): the distance between
  /// the quartiles over the median, in [0, kMostStepSpread].
  double speed_spread = 0;
  /// Likewise of the bandwidth of its own link, where that differs from the network's.
  std::optional<double> bandwidth_spread = std::nullopt;
  /// Relative speed at what messages take of its processors, where it is not `relative_speed`: that
  /// of the kernel and the network card, which need not be slow where a model's layers are.
  std::optional<double> transport_speed = std::nullopt;
  bool operator==(const Host&) const = default;
};

/// What several hosts (ranks) are on. They share its cores and its one link to the network; what
/// they send each other crosses its memory bus instead.
struct Machine {
  std::string name;
  int cores = 1;
  double memory_bandwidth_bytes_per_s = 0;
  /// The machine's own link to the switch, where it differs from the network's.
  std::optional<double> bandwidth_bytes_per_s;
  std::optional<double> latency_s;
  std::optional<double> bandwidth_spread = std::nullopt;  ///< as `Host::bandwidth_spread`
  bool operator==(const Machine&) const = default;
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

/// How messages move over the links, as SimGrid's CM02 and LV08 put it (Velho and Legrand 2009):
/// flows share links max-min fairly, and what a network delivers differs from what its data sheet
/// says by constants that are measured.
struct NetworkModel {
  std::string name = "max-min";  ///< or "LV08": where the constants come from, unless stated
  double bandwidth_factor = 1;   ///< of a link's bandwidth that messages get
  double latency_factor = 1;     ///< of the links' latency that a message takes
  /// On the wire, a flow is at most this / (2 x the route's latency, before the factor); without
  /// it, no limit.
  std::optional<double> tcp_window_bytes;
  /// Acknowledgements load the way back by 5 %. In the replay alone: the cost model leaves it out.
  bool crosstraffic = false;
  bool operator==(const NetworkModel&) const = default;
};

/// SimGrid's default constants, fitted to TCP on gigabit Ethernet.
[[nodiscard]] NetworkModel lv08_model();

/// Without another topology, a star: every host has one full-duplex link to a switch that never is
/// the bottleneck. Hosts of a zone have a switch of their own; those in none are at the middle one.
struct Network {
  double bandwidth_bytes_per_s = 0;  ///< of each link that states none, each way
  double latency_s = 0;              ///< likewise; in a star, a message crosses two
  /// What a rank takes in a reduction for each byte it receives, beside the wire: copying and
  /// adding.
  double reduction_s_per_byte = 0;
  /// What a rank takes to hand a message over, whatever its size, on a host whose
  /// `transport_speed` is 1.
  double message_s = 0;
  /// Processor time for each byte that a host sends and that it receives, likewise: system calls,
  /// copies, checksums. What it computes meanwhile is so much slower.
  double transport_s_per_byte = 0;
  /// That each link between hosts and switches lets through at once after it was idle, and then at
  /// its bandwidth again as they come back: the depth of a shaper's token bucket (RFC 2697). 0 for
  /// a link that nothing but its wire limits.
  double burst_bytes = 0;
  /// How the bandwidth of each link that states nothing else varies from step to step: as
  /// `Host::speed_spread`.
  double bandwidth_spread = 0;
  std::vector<DirectLink> direct_links;
  std::vector<Zone> zones;  ///< of a star; a host is in one at most
  Topology topology;
  NetworkModel model;
  bool operator==(const Network&) const = default;
};

struct Cluster {
  std::string name;
  std::string description;
  std::vector<Host> hosts;
  Network network;
  std::vector<Machine> machines;
  bool operator==(const Cluster&) const = default;
};

/// The way from one host to another, alone on the network.
struct Route {
  double bandwidth_bytes_per_s = 0;
  double latency_s = 0;
  bool direct = false;  ///< over a DirectLink
};

/// Throws nothing; both indices must be valid and different. To ask for many, make a `Routes`.
[[nodiscard]] Route route_between(const Cluster& cluster, int from, int to);

/// For each host the index of its zone, or -1.
[[nodiscard]] std::vector<int> host_zones(const Cluster& cluster);

/// For each host the index of its machine, or -1 where it has one of its own.
[[nodiscard]] std::vector<int> host_machines(const Cluster& cluster);

[[nodiscard]] double idle_watts(const Host& host);

[[nodiscard]] double transport_speed(const Host& host);

/// Mean time between failures of a host that states none: a day. Machines of a laboratory are
/// rebooted, updated and used by others; those of a machine room run for months, which a cluster
/// document should then say.
inline constexpr double kDefaultMtbfS = 86400;

/// Seconds.
[[nodiscard]] double host_mtbf_s(const Host& host);

/// Multiplies the bandwidth of every link of the network by `factor`.
void scale_bandwidth(Cluster& cluster, double factor);

[[nodiscard]] int host_index(const Cluster& cluster, const std::string& name);  ///< -1 when absent

[[nodiscard]] Cluster read_cluster(const std::filesystem::path& file);
[[nodiscard]] Cluster cluster_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const Cluster& cluster);

}  // namespace cadastre
