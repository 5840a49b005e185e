#include "planner/cluster.h"

#include <algorithm>

namespace cadastre {

int host_index(const Cluster& cluster, const std::string& name) {
  const auto found = std::find_if(cluster.hosts.begin(), cluster.hosts.end(),
                                  [&](const Host& host) { return host.name == name; });
  return found == cluster.hosts.end() ? -1 : static_cast<int>(found - cluster.hosts.begin());
}

Route route_between(const Cluster& cluster, int from, int to) {
  const Network& network = cluster.network;
  const Host& a = cluster.hosts[static_cast<std::size_t>(from)];
  const Host& b = cluster.hosts[static_cast<std::size_t>(to)];
  for (const DirectLink& link : network.direct_links)
    if ((link.from == a.name && link.to == b.name) || (link.from == b.name && link.to == a.name))
      return {.bandwidth_bytes_per_s = link.bandwidth_bytes_per_s,
              .latency_s = link.latency_s,
              .direct = true};
  return {.bandwidth_bytes_per_s =
              std::min(a.bandwidth_bytes_per_s.value_or(network.bandwidth_bytes_per_s),
                       b.bandwidth_bytes_per_s.value_or(network.bandwidth_bytes_per_s)),
          .latency_s =
              a.latency_s.value_or(network.latency_s) + b.latency_s.value_or(network.latency_s),
          .direct = false};
}

}  // namespace cadastre
