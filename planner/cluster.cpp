#include "planner/cluster.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "planner/routes.h"

namespace cadastre {

int host_index(const Cluster& cluster, const std::string& name) {
  const auto found = std::find_if(cluster.hosts.begin(), cluster.hosts.end(),
                                  [&](const Host& host) { return host.name == name; });
  return found == cluster.hosts.end() ? -1 : static_cast<int>(found - cluster.hosts.begin());
}

Route route_between(const Cluster& cluster, int from, int to) {
  const Routes routes(cluster, Routes::Table::kNone);
  const Way way = routes.way(from, to);
  return {.bandwidth_bytes_per_s = way.bandwidth_bytes_per_s,
          .latency_s = way.latency_s,
          .direct = routes.is_direct(from, to)};
}

std::vector<int> host_zones(const Cluster& cluster) {
  std::vector<int> zone_of(cluster.hosts.size(), -1);
  if (cluster.network.zones.empty()) return zone_of;
  std::unordered_map<std::string_view, std::size_t> index;
  for (std::size_t h = 0; h < cluster.hosts.size(); ++h) index.emplace(cluster.hosts[h].name, h);
  for (std::size_t z = 0; z < cluster.network.zones.size(); ++z)
    for (const std::string& name : cluster.network.zones[z].hosts)
      zone_of[index.at(name)] = static_cast<int>(z);
  return zone_of;
}

std::vector<int> host_machines(const Cluster& cluster) {
  std::vector<int> machine_of(cluster.hosts.size(), -1);
  if (cluster.machines.empty()) return machine_of;
  std::unordered_map<std::string_view, int> index;
  for (std::size_t m = 0; m < cluster.machines.size(); ++m)
    index.emplace(cluster.machines[m].name, static_cast<int>(m));
  for (std::size_t h = 0; h < cluster.hosts.size(); ++h)
    if (!cluster.hosts[h].machine.empty()) machine_of[h] = index.at(cluster.hosts[h].machine);
  return machine_of;
}

double idle_watts(const Host& host) { return host.idle_watts.value_or(host.watts); }

double transport_speed(const Host& host) {
  return host.transport_speed.value_or(host.relative_speed);
}

double host_mtbf_s(const Host& host) { return host.mtbf_s.value_or(kDefaultMtbfS); }

NetworkModel lv08_model() {
  return {.name = "LV08",
          .bandwidth_factor = 0.97,
          .latency_factor = 13.01,
          .tcp_window_bytes = 4194304,
          .crosstraffic = true};
}

void scale_bandwidth(Cluster& cluster, double factor) {
  Network& network = cluster.network;
  const auto scale_own = [&](auto& place) {
    if (place.bandwidth_bytes_per_s) *place.bandwidth_bytes_per_s *= factor;
  };
  network.bandwidth_bytes_per_s *= factor;
  for (Host& host : cluster.hosts) scale_own(host);
  for (Machine& machine : cluster.machines) scale_own(machine);
  for (DirectLink& link : network.direct_links) link.bandwidth_bytes_per_s *= factor;
  for (Zone& zone : network.zones) zone.bandwidth_bytes_per_s *= factor;
  if (auto* graph = std::get_if<Graph>(&network.topology))
    for (Cable& cable : graph->cables) cable.link.bandwidth_bytes_per_s *= factor;
  if (auto* lists = std::get_if<RouteLists>(&network.topology))
    for (NamedLink& link : lists->links) link.bandwidth_bytes_per_s *= factor;
}

}  // namespace cadastre
