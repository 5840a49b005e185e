#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <unordered_map>
#include <vector>

#include "planner/cluster.h"
#include "planner/topology/link_paths.h"

namespace cadastre {

/// The way of a message from one host to another, as the cost model sees it: it holds each half
/// link on it for bytes / that link's bandwidth, and arrives after bytes / the least bandwidth +
/// the latency.
struct Way {
  double bandwidth_bytes_per_s = 0;  ///< least on the way, or what the TCP window lets through
  double latency_s = 0;
  bool shared = true;  ///< over links that other messages may hold; false over a DirectLink
  /// Least of the links that messages hold one after the other; infinite where `shared` is false.
  double queue_bandwidth_bytes_per_s = std::numeric_limits<double>::infinity();
};

/// Which links a message from one host to another crosses, and with what latency, on any topology.
/// A half link is one direction of a link, or both where they share one capacity. Bandwidths and
/// latencies have the factors of the network's model in them.
class Routes {
 public:
  /// Whether to look all ways up once. `kAuto`: where there are few enough.
  enum class Table { kAuto, kNone };

  /// The cluster must be sound (`network_fault`); it need not outlive the routes.
  explicit Routes(const Cluster& cluster, Table table = Table::kAuto);

  /// Both must be valid; from a host to itself nothing moves.
  [[nodiscard]] Way way(int from, int to) const {
    return ways_.empty() ? find_way(from, to) : ways_[pair_index(from, to)];
  }

  [[nodiscard]] std::size_t num_hosts() const { return num_hosts_; }

  [[nodiscard]] std::size_t num_half_links() const { return half_links_.size(); }

  [[nodiscard]] const std::vector<HalfLink>& half_links() const { return half_links_; }

  /// Seconds for which a byte holds each of the half links.
  [[nodiscard]] const std::vector<double>& byte_s() const { return byte_s_; }

  /// All half links on the way between two different hosts, in order.
  [[nodiscard]] std::vector<int> path(int from, int to) const;

  [[nodiscard]] bool is_direct(int from, int to) const {
    return direct_.contains(pair_index(from, to));
  }

  /// What TCP's window lets through between two hosts, in bytes per second; infinite without one.
  [[nodiscard]] double window_bytes_per_s(const std::vector<int>& path) const;

  /// Calls `visit(half_link)` for each half link on the way that messages hold one after the other:
  /// all but fat pipes, and none of a DirectLink.
  template <typename Visit>
  void visit_half_links(int from, int to, const Visit& visit) const {
    if (first_hop_.empty()) {
      for (const int half_link : queues(from, to)) visit(static_cast<std::size_t>(half_link));
      return;
    }
    const std::size_t pair = pair_index(from, to);
    for (std::size_t hop = first_hop_[pair]; hop < first_hop_[pair + 1]; ++hop)
      visit(static_cast<std::size_t>(hops_[hop]));
  }

  /// Seconds for which a byte at least holds a half link that every message from a host, or to it,
  /// crosses but those over a DirectLink: 0 where there is none.
  [[nodiscard]] const std::vector<double>& out_byte_s() const { return out_byte_s_; }

  [[nodiscard]] const std::vector<double>& in_byte_s() const { return in_byte_s_; }

 private:
  [[nodiscard]] std::size_t pair_index(int from, int to) const {
    return static_cast<std::size_t>(from) * num_hosts_ + static_cast<std::size_t>(to);
  }

  void add_direct_links(const Cluster& cluster);
  void add_memory_buses(const Cluster& cluster);
  void find_only_links();
  void look_all_up();
  [[nodiscard]] Way find_way(int from, int to) const;
  [[nodiscard]] std::vector<int> queues(int from, int to) const;

  std::size_t num_hosts_ = 0;
  Places places_;
  LinkPaths paths_;                     ///< but for its links
  std::optional<double> window_bytes_;  ///< of messages, in TCP's window
  std::vector<HalfLink> half_links_;
  std::vector<double> byte_s_;                   ///< [half link]
  std::vector<double> nominal_latency_s_;        ///< [half link] before the factor
  std::unordered_map<std::size_t, int> direct_;  ///< [pair of hosts] half link
  std::vector<int> bus_;                         ///< [place] half link, -1 where one host is alone
  std::vector<double> out_byte_s_;               ///< [host]
  std::vector<double> in_byte_s_;                ///< [host]
  // Where all ways are looked up: [from][to].
  std::vector<Way> ways_;
  std::vector<std::size_t> first_hop_;  ///< in hops_
  std::vector<int> hops_;
};

}  // namespace cadastre
