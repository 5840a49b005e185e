#include "planner/cluster.h"

#include <algorithm>
#include <limits>

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
  return star_route(cluster, host_zones(cluster), from, to);
}

Route star_route(const Cluster& cluster, const std::vector<int>& zones, int from, int to) {
  const Network& network = cluster.network;
  Route route{.bandwidth_bytes_per_s = std::numeric_limits<double>::infinity()};
  const auto cross = [&](double bandwidth_bytes_per_s, double latency_s) {
    route.bandwidth_bytes_per_s = std::min(route.bandwidth_bytes_per_s, bandwidth_bytes_per_s);
    route.latency_s += latency_s;
  };
  const int from_zone = zones[static_cast<std::size_t>(from)];
  const int to_zone = zones[static_cast<std::size_t>(to)];
  for (const int h : {from, to}) {
    const Host& host = cluster.hosts[static_cast<std::size_t>(h)];
    cross(host.bandwidth_bytes_per_s.value_or(network.bandwidth_bytes_per_s),
          host.latency_s.value_or(network.latency_s));
    const int z = zones[static_cast<std::size_t>(h)];
    if (from_zone == to_zone || z < 0) continue;
    const Zone& zone = network.zones[static_cast<std::size_t>(z)];
    cross(zone.bandwidth_bytes_per_s, zone.latency_s);
  }
  return route;
}

std::vector<int> host_zones(const Cluster& cluster) {
  std::vector<int> zone_of(cluster.hosts.size(), -1);
  for (std::size_t z = 0; z < cluster.network.zones.size(); ++z)
    for (const std::string& name : cluster.network.zones[z].hosts)
      zone_of[static_cast<std::size_t>(host_index(cluster, name))] = static_cast<int>(z);
  return zone_of;
}

}  // namespace cadastre
