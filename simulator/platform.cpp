#include "simulator/platform.h"

#include <xbt/log.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>
#include <utility>

#include "simulator/simgrid_version.h"

namespace cadastre {

namespace s4u = simgrid::s4u;

namespace {

/// Far above SimGrid's precision on amounts of work (1e-5 flops), so that its rounding is nothing.
constexpr double kFlopsPerSecondOfUnitSpeed = 1e9;

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument("the cluster cannot be simulated: " + what);
}

void check_positive(double value, const std::string& name) {
  if (!(std::isfinite(value) && value > 0))
    refuse("expected " + name + " to be a number > 0, found " + std::to_string(value));
}

void check_not_negative(double value, const std::string& name) {
  if (!(std::isfinite(value) && value >= 0))
    refuse("expected " + name + " to be a number >= 0, found " + std::to_string(value));
}

double link_bandwidth_bytes_per_s(const Cluster& cluster, const Host& host) {
  return host.bandwidth_bytes_per_s.value_or(cluster.network.bandwidth_bytes_per_s);
}

/// The two directions of a cable.
struct HalfLinks {
  s4u::Link* up = nullptr;
  s4u::Link* down = nullptr;
};

/// Puts a cluster into a star of SimGrid. The way between two hosts is then the one's way to the
/// middle and the other's from there; what goes another way gets a route of its own beside it.
class Platform {
 public:
  Platform(s4u::NetZone& star, const Cluster& cluster)
      : star_(star), cluster_(cluster), zone_of_(host_zones(cluster)) {}

  std::vector<s4u::Host*> build() && {
    add_hosts();
    if (hosts_.size() > 1) {
      add_ways_to_the_middle();
      add_direct_links();
      add_ways_inside_zones();
    }
    star_.seal();
    return std::move(hosts_);
  }

 private:
  // SimGrid's names are made here: those of the document need not be unique among its links.
  void add_hosts() {
    for (std::size_t i = 0; i < cluster_.hosts.size(); ++i)
      hosts_.push_back(
          simgrid_version::add_host(star_, "host" + std::to_string(i),
                                    kFlopsPerSecondOfUnitSpeed * cluster_.hosts[i].relative_speed));
  }

  void add_ways_to_the_middle() {
    for (std::size_t i = 0; i < hosts_.size(); ++i)
      links_.push_back(add_links("host" + std::to_string(i),
                                 link_bandwidth_bytes_per_s(cluster_, cluster_.hosts[i])));
    std::vector<HalfLinks> uplinks;
    for (std::size_t z = 0; z < cluster_.network.zones.size(); ++z)
      uplinks.push_back(
          add_links("zone" + std::to_string(z), cluster_.network.zones[z].bandwidth_bytes_per_s));
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
      std::vector<const s4u::Link*> to_middle = {links_[i].up};
      std::vector<const s4u::Link*> from_middle = {links_[i].down};
      if (zone_of_[i] >= 0) {
        const HalfLinks& uplink = uplinks[static_cast<std::size_t>(zone_of_[i])];
        to_middle.push_back(uplink.up);
        from_middle.insert(from_middle.begin(), uplink.down);
      }
      simgrid_version::add_route(star_, hosts_[i], nullptr, to_middle);
      simgrid_version::add_route(star_, nullptr, hosts_[i], from_middle);
    }
  }

  void add_direct_links() {
    for (std::size_t i = 0; i < cluster_.network.direct_links.size(); ++i) {
      const DirectLink& direct = cluster_.network.direct_links[i];
      const auto from = static_cast<std::size_t>(host_index(cluster_, direct.from));
      const auto to = static_cast<std::size_t>(host_index(cluster_, direct.to));
      // Of several between two hosts `route_between` takes the first.
      if (!joined_.insert(std::minmax(from, to)).second) continue;
      const HalfLinks links = add_links("direct" + std::to_string(i), direct.bandwidth_bytes_per_s);
      bypass(from, to, {links.up});
      bypass(to, from, {links.down});
    }
  }

  void add_ways_inside_zones() {
    for (const Zone& zone : cluster_.network.zones)
      for (const std::string& a : zone.hosts)
        for (const std::string& b : zone.hosts) {
          const auto from = static_cast<std::size_t>(host_index(cluster_, a));
          const auto to = static_cast<std::size_t>(host_index(cluster_, b));
          if (from != to && joined_.count(std::minmax(from, to)) == 0)
            bypass(from, to, {links_[from].up, links_[to].down});
        }
  }

  HalfLinks add_links(const std::string& name, double bandwidth_bytes_per_s) {
    return {.up = simgrid_version::add_link(star_, name + ".up", bandwidth_bytes_per_s),
            .down = simgrid_version::add_link(star_, name + ".down", bandwidth_bytes_per_s)};
  }

  void bypass(std::size_t from, std::size_t to, const std::vector<const s4u::Link*>& links) {
    star_.add_bypass_route(hosts_[from]->get_netpoint(), hosts_[to]->get_netpoint(), nullptr,
                           nullptr, {links.begin(), links.end()});
  }

  s4u::NetZone& star_;
  const Cluster& cluster_;
  std::vector<int> zone_of_;
  std::vector<s4u::Host*> hosts_;
  std::vector<HalfLinks> links_;                          ///< [host]
  std::set<std::pair<std::size_t, std::size_t>> joined_;  ///< by direct links
};

}  // namespace

const std::string& network_model_text() {
  static const std::string text =
      "SimGrid CM02 without cross-traffic, TCP window limit, or correction factors: one "
      "full-duplex link per host and one uplink per zone, each shared max-min fairly by the "
      "connections on it; one connection from each rank to each rank that it sends to, messages in "
      "order; a message alone takes latency + bytes / bandwidth";
  return text;
}

void configure_simgrid() {
  // What SimGrid says before it ends the process is left: it becomes the error of the simulation.
  xbt_log_control_set("root.thresh:critical");
  xbt_log_control_set("root.fmt:%m%n");
  s4u::Engine::set_config("network/model:CM02");
  s4u::Engine::set_config("network/crosstraffic:0");
  s4u::Engine::set_config("network/TCP-gamma:0");
  s4u::Engine::set_config("network/latency-factor:1");
  s4u::Engine::set_config("network/bandwidth-factor:1");
  s4u::Engine::set_config("network/weight-S:0");
  // An actor here needs little; a big cluster has tens of thousands of connections. In KiB.
  s4u::Engine::set_config("contexts/stack-size:128");
}

void check_platform(const Cluster& cluster) {
  if (cluster.hosts.empty()) refuse("expected hosts, found none");
  for (const Host& host : cluster.hosts) {
    check_positive(host.relative_speed, "relative_speed of host " + host.name);
    if (cluster.hosts.size() == 1) break;  // no network
    check_positive(link_bandwidth_bytes_per_s(cluster, host),
                   "bandwidth_bytes_per_s of host " + host.name);
    check_not_negative(host.latency_s.value_or(cluster.network.latency_s),
                       "latency_s of host " + host.name);
  }
  for (const DirectLink& link : cluster.network.direct_links) {
    const std::string name = "the direct link from " + link.from + " to " + link.to;
    if (host_index(cluster, link.from) < 0 || host_index(cluster, link.to) < 0)
      refuse("expected " + name + " to join two hosts of the cluster");
    if (link.from == link.to) refuse("expected " + name + " to join two hosts, found one");
    check_positive(link.bandwidth_bytes_per_s, "bandwidth_bytes_per_s of " + name);
    check_not_negative(link.latency_s, "latency_s of " + name);
  }
  std::set<std::string> zoned;
  for (const Zone& zone : cluster.network.zones) {
    for (const std::string& host : zone.hosts) {
      if (host_index(cluster, host) < 0)
        refuse("expected zone " + zone.name + " to be of hosts of the cluster, found " + host);
      if (!zoned.insert(host).second) refuse("expected host " + host + " in one zone at most");
    }
    check_positive(zone.bandwidth_bytes_per_s, "bandwidth_bytes_per_s of zone " + zone.name);
    check_not_negative(zone.latency_s, "latency_s of zone " + zone.name);
  }
}

std::vector<s4u::Host*> build_platform(const s4u::Engine& engine, const Cluster& cluster) {
  s4u::NetZone& star = *simgrid_version::add_star_zone(engine, "cluster");
  return Platform(star, cluster).build();
}

}  // namespace cadastre
