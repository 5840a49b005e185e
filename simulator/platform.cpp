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

}  // namespace

const std::string& network_model_text() {
  static const std::string text =
      "SimGrid CM02 without cross-traffic, TCP window limit, or correction factors: one "
      "full-duplex "
      "link per host, shared max-min fairly by the connections on it; one connection from each "
      "rank "
      "to each rank that it sends to, messages in order; a message alone takes "
      "latency + bytes / bandwidth";
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
}

std::vector<s4u::Host*> build_platform(const s4u::Engine& engine, const Cluster& cluster) {
  s4u::NetZone& zone = *simgrid_version::add_star_zone(engine, "cluster");
  std::vector<s4u::Host*> hosts;
  // SimGrid's names are made here: those of the document need not be unique among its links.
  for (std::size_t i = 0; i < cluster.hosts.size(); ++i) {
    const std::string name = "host" + std::to_string(i);
    s4u::Host* host = simgrid_version::add_host(
        zone, name, kFlopsPerSecondOfUnitSpeed * cluster.hosts[i].relative_speed);
    hosts.push_back(host);
    if (cluster.hosts.size() == 1) continue;
    const double bandwidth = link_bandwidth_bytes_per_s(cluster, cluster.hosts[i]);
    s4u::Link* up = simgrid_version::add_link(zone, name + ".up", bandwidth);
    s4u::Link* down = simgrid_version::add_link(zone, name + ".down", bandwidth);
    simgrid_version::add_route(zone, host, nullptr, up);
    simgrid_version::add_route(zone, nullptr, host, down);
  }
  std::set<std::pair<std::size_t, std::size_t>> joined;
  for (std::size_t i = 0; i < cluster.network.direct_links.size(); ++i) {
    const DirectLink& direct = cluster.network.direct_links[i];
    const auto from = static_cast<std::size_t>(host_index(cluster, direct.from));
    const auto to = static_cast<std::size_t>(host_index(cluster, direct.to));
    // Of several between two hosts `route_between` takes the first.
    if (!joined.insert(std::minmax(from, to)).second) continue;
    for (const auto& [a, b] : {std::pair(from, to), std::pair(to, from)}) {
      const std::string name = "direct" + std::to_string(i) + (a == from ? ".up" : ".down");
      s4u::Link* link = simgrid_version::add_link(zone, name, direct.bandwidth_bytes_per_s);
      zone.add_bypass_route(hosts[a]->get_netpoint(), hosts[b]->get_netpoint(), nullptr, nullptr,
                            {s4u::LinkInRoute(link)});
    }
  }
  zone.seal();
  return hosts;
}

}  // namespace cadastre
