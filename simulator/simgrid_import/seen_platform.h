#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "planner/cluster.h"

namespace cadastre {

/// A link as SimGrid has it: of a split-duplex one, either direction.
struct SeenLink {
  std::string name;
  double bandwidth_bytes_per_s = 0;
  double latency_s = 0;
  bool fat_pipe = false;
  std::string cable;  ///< of which it is a direction; empty for a link of its own
  bool is_up = false;
};

/// A platform as SimGrid has it.
struct SeenPlatform {
  std::vector<Host> hosts;                ///< but for their relative speeds
  std::vector<double> speed_flops_per_s;  ///< [host] of a core
  std::vector<bool> has_memory;           ///< [host] whether the platform says how much
  std::shared_ptr<const std::vector<SeenLink>> links;  ///< those on the paths found so far
  /// The links from one host to another, different one, in order. Throws InputError where there are
  /// none, or such as no cluster can have.
  std::function<std::vector<int>(int from, int to)> find_path;
};

/// The links between every two hosts of a platform.
class SeenPaths {
 public:
  explicit SeenPaths(const SeenPlatform& platform)
      : num_hosts_(static_cast<int>(platform.hosts.size())) {
    first_.reserve(platform.hosts.size() * platform.hosts.size() + 1);
    first_.push_back(0);
    for (int from = 0; from < num_hosts_; ++from)
      for (int to = 0; to < num_hosts_; ++to) {
        if (from != to) {
          const std::vector<int> path = platform.find_path(from, to);
          hops_.insert(hops_.end(), path.begin(), path.end());
        }
        first_.push_back(hops_.size());
      }
    links_ = *platform.links;
  }

  [[nodiscard]] int num_hosts() const { return num_hosts_; }

  [[nodiscard]] const std::vector<SeenLink>& links() const { return links_; }

  [[nodiscard]] std::span<const int> path(int from, int to) const {
    const std::size_t pair = static_cast<std::size_t>(from) * static_cast<std::size_t>(num_hosts_) +
                             static_cast<std::size_t>(to);
    return {hops_.data() + first_[pair], first_[pair + 1] - first_[pair]};
  }

 private:
  int num_hosts_ = 0;
  std::vector<SeenLink> links_;
  std::vector<std::size_t> first_;  ///< [pair of hosts] in hops_
  std::vector<int> hops_;
};

}  // namespace cadastre
