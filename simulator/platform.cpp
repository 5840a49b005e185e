#include "simulator/platform.h"

#include <xbt/log.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

#include "planner/cluster_check.h"
#include "planner/refusal.h"
#include "simulator/energy_meter.h"
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

/// Puts the ways between pairs of hosts into a zone of SimGrid, each as a route of its own.
class Builder {
 public:
  Builder(s4u::NetZone& zone, const Cluster& cluster, const Routes& routes)
      : zone_(zone), cluster_(cluster), routes_(routes) {
    platform_.links.resize(routes.num_half_links(), nullptr);
  }

  Platform build(const std::vector<std::pair<int, int>>& pairs,
                 const std::vector<PlatformFlow>& flows) && {
    for (const Host& host : cluster_.hosts) {
      platform_.hosts.push_back(simgrid_version::add_host(
          zone_, host.name, kFlopsPerSecondOfUnitSpeed * host.relative_speed));
      platform_.hosts.back()->set_property(kWattsProperty, watts_property(host));
    }
    for (const auto& [from, to] : pairs) {
      add_way(from, to);
      // Acknowledgements go the other way.
      if (cluster_.network.model.crosstraffic) add_way(to, from);
    }
    for (const PlatformFlow& flow : flows) add_flow(flow);
    add_machines();
    zone_.seal();
    return std::move(platform_);
  }

 private:
  void add_way(int from, int to) {
    if (from == to || !joined_.emplace(from, to).second) return;
    const auto host = [&](int index) { return platform_.hosts[static_cast<std::size_t>(index)]; };
    add_route(host(from), host(to), links_between(from, to));
  }

  void add_machines() {
    platform_.machines.resize(cluster_.machines.size());
    std::vector<int> first_host(cluster_.machines.size(), -1);
    const std::vector<int> machine_of = host_machines(cluster_);
    for (int h = 0; h < static_cast<int>(machine_of.size()); ++h) {
      const int m = machine_of[static_cast<std::size_t>(h)];
      if (m < 0) continue;
      int& first = first_host[static_cast<std::size_t>(m)];
      PlatformMachine& machine = platform_.machines[static_cast<std::size_t>(m)];
      if (first < 0)
        first = h;
      else if (machine.processor == nullptr)
        machine = shared_machine(cluster_.machines[static_cast<std::size_t>(m)], first, h);
    }
  }

  /// `first` and `second` are two hosts on it.
  PlatformMachine shared_machine(const Machine& machine, int first, int second) {
    const auto add = [&](const char* part) {
      return simgrid_version::add_host(zone_, machine.name + part, kFlopsPerSecondOfUnitSpeed);
    };
    const PlatformMachine shared{
        .processor = add("#processor"), .bus_begin = add("#bus-begin"), .bus_end = add("#bus-end")};
    shared.processor->set_core_count(machine.cores);
    add_route(shared.bus_begin, shared.bus_end, {link(routes_.path(first, second).front())});
    return shared;
  }

  void add_flow(const PlatformFlow& flow) {
    // SimGrid 3.32 ignores the rate of a transfer between hosts: a link of its own limits it.
    const std::string name = "flow" + std::to_string(platform_.flow_ends.size());
    s4u::Host* from = simgrid_version::add_host(zone_, name + "#from", kFlopsPerSecondOfUnitSpeed);
    s4u::Host* to = simgrid_version::add_host(zone_, name + "#to", kFlopsPerSecondOfUnitSpeed);
    const s4u::Link* limit =
        simgrid_version::add_link(zone_, name + "#limit", flow.bandwidth_bytes_per_s);
    std::vector<const s4u::Link*> links = links_between(flow.from, flow.to);
    links.push_back(limit);
    add_route(from, to, links);
    if (cluster_.network.model.crosstraffic) add_route(to, from, links_between(flow.to, flow.from));
    platform_.flow_ends.emplace_back(from, to);
  }

  std::vector<const s4u::Link*> links_between(int from, int to) {
    const std::vector<int> path = routes_.path(from, to);
    std::vector<const s4u::Link*> links;
    for (const int half_link : path) links.push_back(link(half_link));
    const double window_bytes_per_s = routes_.window_bytes_per_s(path);
    if (std::isfinite(window_bytes_per_s)) links.push_back(window(window_bytes_per_s));
    return links;
  }

  void add_route(const s4u::Host* from, const s4u::Host* to,
                 const std::vector<const s4u::Link*>& links) {
    zone_.add_bypass_route(from->get_netpoint(), to->get_netpoint(), nullptr, nullptr,
                           {links.begin(), links.end()});
  }

  s4u::Link* link(int half_link) {
    s4u::Link*& link = platform_.links[static_cast<std::size_t>(half_link)];
    if (link != nullptr) return link;
    const HalfLink& half = routes_.half_links()[static_cast<std::size_t>(half_link)];
    // The names of a document's links need not differ from each other, nor from its hosts'.
    link = simgrid_version::add_link(zone_, half.name + "#" + std::to_string(half_link),
                                     half.bandwidth_bytes_per_s);
    if (half.fat_pipe) link->set_sharing_policy(s4u::Link::SharingPolicy::FATPIPE);
    return link;
  }

  /// A fat pipe lets every flow have this much: one serves all ways of the same latency.
  s4u::Link* window(double bytes_per_s) {
    s4u::Link*& window = windows_[bytes_per_s];
    if (window != nullptr) return window;
    window =
        simgrid_version::add_link(zone_, "window" + std::to_string(windows_.size()), bytes_per_s);
    window->set_sharing_policy(s4u::Link::SharingPolicy::FATPIPE);
    return window;
  }

  s4u::NetZone& zone_;
  const Cluster& cluster_;
  const Routes& routes_;
  Platform platform_;
  std::set<std::pair<int, int>> joined_;
  std::map<double, s4u::Link*> windows_;
};

std::string model_text(const NetworkModel& model) {
  if (model == NetworkModel{})
    return "SimGrid CM02 without cross-traffic, TCP window limit, or correction factors";
  std::string text = "SimGrid CM02 with";
  text += model == lv08_model() ? " the constants of LV08: " : ": ";
  text += "bandwidth factor " + number_text(model.bandwidth_factor);
  text += ", latency factor " + number_text(model.latency_factor);
  text += ", ";
  text += model.tcp_window_bytes ? "a TCP window of " + number_text(*model.tcp_window_bytes) +
                                       " bytes per round trip of the route"
                                 : "no TCP window limit";
  text += model.crosstraffic ? ", cross-traffic" : ", no cross-traffic";
  return text;
}

std::string wiring_text(const Cluster& cluster) {
  struct {
    std::string operator()(std::monostate) const {
      return "one full-duplex link per host and one uplink per zone";
    }

    std::string operator()(const FatTree& tree) const {
      return "a fat tree of " + std::to_string(tree.down.size()) +
             " levels of switches with D-mod-k routes, its links " + sharing_name(tree.sharing);
    }

    std::string operator()(const Torus& torus) const {
      std::string text = "a torus of ";
      for (const int size : torus.dimensions)
        text += (&size == torus.dimensions.data() ? "" : " x ") + std::to_string(size);
      return text + " places with routes along its dimensions, its links " +
             sharing_name(torus.sharing);
    }

    std::string operator()(const Dragonfly& fly) const {
      return "a dragonfly of " + std::to_string(fly.groups) + " groups of " +
             std::to_string(fly.chassis) + " chassis of " + std::to_string(fly.routers) +
             " routers with minimal routes, its links " + sharing_name(fly.sharing);
    }

    std::string operator()(const Graph& graph) const {
      return std::to_string(graph.cables.size()) + " links between hosts and " +
             std::to_string(graph.switches.size()) + " switches with routes of least latency";
    }

    std::string operator()(const RouteLists& lists) const {
      return std::to_string(lists.links.size()) + " links with the routes that the cluster lists";
    }
  } const text;

  std::string wiring = std::visit(text, cluster.network.topology);
  if (!cluster.machines.empty())
    wiring += ", a memory bus for what the hosts of a machine send each other";
  return wiring;
}

}  // namespace

std::string network_model_text(const Cluster& cluster) {
  return model_text(cluster.network.model) + ": " + wiring_text(cluster) +
         ", each shared max-min fairly by the connections on it; one connection from each rank to "
         "each rank that it sends to, messages in order; a message alone takes latency + bytes / "
         "bandwidth";
}

void configure_simgrid(const Cluster& cluster) {
  // What SimGrid says before it ends the process is left: it becomes the error of the simulation.
  xbt_log_control_set("root.thresh:critical");
  xbt_log_control_set("root.fmt:%m%n");
  s4u::Engine::set_config("network/model:CM02");
  s4u::Engine::set_config(cluster.network.model.crosstraffic ? "network/crosstraffic:1"
                                                             : "network/crosstraffic:0");
  // `Routes` has the factors in its links already.
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
    check_positive(transport_speed(host), "transport_speed of host " + host.name);
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
  if (!is_star(cluster.network.topology) && cluster.hosts.size() > 1) {
    check_positive(cluster.network.bandwidth_bytes_per_s, "bandwidth_bytes_per_s of the network");
    check_not_negative(cluster.network.latency_s, "latency_s of the network");
  }
  if (const std::optional<ClusterFault> fault = network_fault(cluster))
    refuse((fault->host < 0
                ? ""
                : "host " + cluster.hosts[static_cast<std::size_t>(fault->host)].name + ": ") +
           fault->pointer + ": " + fault->message);
}

Platform build_platform(const s4u::Engine& engine, const Cluster& cluster, const Routes& routes,
                        const std::vector<std::pair<int, int>>& pairs,
                        const std::vector<PlatformFlow>& flows) {
  // A star without spokes: every way is a route of its own beside it.
  s4u::NetZone& zone = *simgrid_version::add_star_zone(engine, "cluster");
  return Builder(zone, cluster, routes).build(pairs, flows);
}

std::vector<s4u::Host*> build_platform(const s4u::Engine& engine, const Cluster& cluster) {
  const int num_hosts = static_cast<int>(cluster.hosts.size());
  std::vector<std::pair<int, int>> pairs;
  for (int from = 0; from < num_hosts; ++from)
    for (int to = 0; to < num_hosts; ++to)
      if (from != to) pairs.emplace_back(from, to);
  return build_platform(engine, cluster, Routes(cluster, Routes::Table::kNone), pairs).hosts;
}

}  // namespace cadastre
