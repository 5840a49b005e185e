#include "planner/routes.h"

namespace cadastre {

Routes::Routes(const Cluster& cluster)
    : num_hosts_(cluster.hosts.size()),
      num_zones_(cluster.network.zones.size()),
      ways_(num_hosts_ * num_hosts_),
      zone_of_(host_zones(cluster)),
      byte_s_(num_half_links()) {
  for (std::size_t a = 0; a < num_hosts_; ++a)
    for (std::size_t b = 0; b < num_hosts_; ++b) {
      if (a == b) continue;
      const Route route = star_route(cluster, zone_of_, static_cast<int>(a), static_cast<int>(b));
      ways_[a * num_hosts_ + b] = {.bandwidth_bytes_per_s = route.bandwidth_bytes_per_s,
                                   .latency_s = route.latency_s,
                                   .shared = true};
    }
  for (const DirectLink& link : cluster.network.direct_links) {
    const auto a = static_cast<std::size_t>(host_index(cluster, link.from));
    const auto b = static_cast<std::size_t>(host_index(cluster, link.to));
    for (const std::size_t place : {a * num_hosts_ + b, b * num_hosts_ + a})
      if (ways_[place].shared)
        ways_[place] = {.bandwidth_bytes_per_s = link.bandwidth_bytes_per_s,
                        .latency_s = link.latency_s,
                        .shared = false};
  }
  for (std::size_t h = 0; h < num_hosts_; ++h)
    byte_s_[2 * h] = byte_s_[2 * h + 1] =
        1 / cluster.hosts[h].bandwidth_bytes_per_s.value_or(cluster.network.bandwidth_bytes_per_s);
  for (std::size_t z = 0; z < num_zones_; ++z)
    byte_s_[2 * (num_hosts_ + z)] = byte_s_[2 * (num_hosts_ + z) + 1] =
        1 / cluster.network.zones[z].bandwidth_bytes_per_s;
}

}  // namespace cadastre
