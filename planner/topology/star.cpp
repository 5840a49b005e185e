#include <memory>

#include "planner/topology/link_paths.h"

namespace cadastre {

namespace {

/// The two directions of a link that leads away from a place or a zone.
struct Uplink {
  int up = -1;
  int down = -1;
};

struct Star {
  std::vector<Uplink> places;
  std::vector<Uplink> zones;
  std::vector<int> zone_of;  ///< [place], -1 outside all zones
};

}  // namespace

LinkPaths star_paths(const Cluster& cluster, const Places& places) {
  LinkPaths paths;
  const auto star = std::make_shared<Star>();
  const Network& network = cluster.network;
  const std::vector<int> zones = host_zones(cluster);
  const std::vector<int> machines = host_machines(cluster);
  const auto add = [&](const std::string& name, double bandwidth_bytes_per_s, double latency_s) {
    const auto [up, down] = paths.add(
        {.name = name, .bandwidth_bytes_per_s = bandwidth_bytes_per_s, .latency_s = latency_s});
    return Uplink{.up = up, .down = down};
  };
  for (std::size_t p = 0; p < places.names.size(); ++p) {
    const auto first = static_cast<std::size_t>(places.first_host[p]);
    const Host& host = cluster.hosts[first];
    const Machine* const machine =
        machines[first] < 0 ? nullptr
                            : &cluster.machines[static_cast<std::size_t>(machines[first])];
    const auto& bandwidth =
        machine != nullptr ? machine->bandwidth_bytes_per_s : host.bandwidth_bytes_per_s;
    const auto& latency = machine != nullptr ? machine->latency_s : host.latency_s;
    star->places.push_back(add(places.names[p], bandwidth.value_or(network.bandwidth_bytes_per_s),
                               latency.value_or(network.latency_s)));
    star->zone_of.push_back(zones[first]);
    paths.only_exit.push_back(star->places.back().up);
    paths.only_entry.push_back(star->places.back().down);
  }
  for (const Zone& zone : network.zones)
    star->zones.push_back(add("zone " + zone.name, zone.bandwidth_bytes_per_s, zone.latency_s));
  paths.append = [star](int from, int to, std::vector<int>& path) {
    const int from_zone = star->zone_of[static_cast<std::size_t>(from)];
    const int to_zone = star->zone_of[static_cast<std::size_t>(to)];
    path.push_back(star->places[static_cast<std::size_t>(from)].up);
    if (from_zone != to_zone) {
      if (from_zone >= 0) path.push_back(star->zones[static_cast<std::size_t>(from_zone)].up);
      if (to_zone >= 0) path.push_back(star->zones[static_cast<std::size_t>(to_zone)].down);
    }
    path.push_back(star->places[static_cast<std::size_t>(to)].down);
  };
  return paths;
}

}  // namespace cadastre
