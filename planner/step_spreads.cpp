#include "planner/step_spreads.h"

#include <algorithm>
#include <cstddef>
#include <unordered_map>

namespace cadastre {

namespace {

/// The half links within machines, over which their hosts send each other what they have.
std::vector<int> memory_buses(const Cluster& cluster, const Routes& routes) {
  std::vector<int> buses;
  const std::vector<int> machines = host_machines(cluster);
  std::vector<int> first_host(cluster.machines.size(), -1);
  for (int h = 0; h < static_cast<int>(machines.size()); ++h) {
    const int machine = machines[static_cast<std::size_t>(h)];
    if (machine < 0) continue;
    int& first = first_host[static_cast<std::size_t>(machine)];
    if (first < 0)
      first = h;
    else
      buses.push_back(routes.path(first, h).front());
  }
  return buses;
}

}  // namespace

bool StepSpreads::any() const {
  const auto varies = [](double spread) { return spread > 0; };
  return std::any_of(hosts.begin(), hosts.end(), varies) ||
         std::any_of(links.begin(), links.end(), varies);
}

std::string link_name(const HalfLink& half_link) {
  for (const std::string suffix : {".up", ".down"})
    if (half_link.name.ends_with(suffix))
      return half_link.name.substr(0, half_link.name.size() - suffix.size());
  return half_link.name;
}

bool is_direction_of(const std::string& half_link, const std::string& link) {
  return half_link == link || half_link == link + ".up" || half_link == link + ".down";
}

StepSpreads step_spreads(const Cluster& cluster, const Routes& routes,
                         const StepVariation& variation) {
  StepSpreads spreads;
  std::unordered_map<std::string, double> of_link;
  for (const Host& host : cluster.hosts) {
    spreads.hosts.push_back(host.speed_spread);
    if (host.bandwidth_spread) of_link.emplace(host.name, *host.bandwidth_spread);
  }
  for (const Machine& machine : cluster.machines)
    if (machine.bandwidth_spread) of_link.emplace(machine.name, *machine.bandwidth_spread);
  std::vector<std::string> names;
  for (const HalfLink& half_link : routes.half_links()) {
    names.push_back(link_name(half_link));
    const auto own = of_link.find(names.back());
    spreads.links.push_back(own == of_link.end() ? cluster.network.bandwidth_spread : own->second);
  }
  for (const int bus : memory_buses(cluster, routes))
    spreads.links[static_cast<std::size_t>(bus)] = 0;
  for (const ResourceSpread& each : variation.spreads) {
    if (const int host = host_index(cluster, each.resource.host); host >= 0)
      spreads.hosts[static_cast<std::size_t>(host)] = each.spread;
    for (std::size_t l = 0; l < names.size(); ++l)
      if (is_direction_of(routes.half_links()[l].name, each.resource.link))
        spreads.links[l] = each.spread;
  }
  return spreads;
}

}  // namespace cadastre
