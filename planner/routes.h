#pragma once

#include <cstdint>
#include <vector>

#include "planner/cluster.h"

namespace cadastre {

/// The way of a message from one host to another, as the cost model sees it: it holds the outgoing
/// and the incoming half of each link on it for bytes / that link's bandwidth, and arrives after
/// bytes / the least bandwidth + the latency.
struct Way {
  double bandwidth_bytes_per_s = 0;  ///< least on the way
  double latency_s = 0;
  bool shared = true;  ///< over links that other messages may hold; false over a DirectLink
};

/// Every way through a cluster, looked up once.
class Routes {
 public:
  explicit Routes(const Cluster& cluster);

  /// Both must be valid; from a host to itself nothing moves.
  [[nodiscard]] const Way& way(int from, int to) const {
    return ways_[static_cast<std::size_t>(from) * num_hosts_ + static_cast<std::size_t>(to)];
  }

  [[nodiscard]] std::size_t num_hosts() const { return num_hosts_; }

  /// Number of half links: of each host's link and each zone's uplink, one each way.
  [[nodiscard]] std::size_t num_half_links() const { return 2 * (num_hosts_ + num_zones_); }

  /// Seconds for which a byte holds each of the half links.
  [[nodiscard]] const std::vector<double>& byte_s() const { return byte_s_; }

  /// Calls `visit(half_link)` for each half link on the way.
  template <typename Visit>
  void visit_half_links(int from, int to, const Visit& visit) const {
    visit(2 * static_cast<std::size_t>(from));
    visit(2 * static_cast<std::size_t>(to) + 1);
    const int from_zone = zone_of_[static_cast<std::size_t>(from)];
    const int to_zone = zone_of_[static_cast<std::size_t>(to)];
    if (from_zone == to_zone) return;
    if (from_zone >= 0) visit(2 * (num_hosts_ + static_cast<std::size_t>(from_zone)));
    if (to_zone >= 0) visit(2 * (num_hosts_ + static_cast<std::size_t>(to_zone)) + 1);
  }

 private:
  std::size_t num_hosts_ = 0;
  std::size_t num_zones_ = 0;
  std::vector<Way> ways_;       ///< [from][to]
  std::vector<int> zone_of_;    ///< [host], -1 outside all zones
  std::vector<double> byte_s_;  ///< [half link]
};

}  // namespace cadastre
