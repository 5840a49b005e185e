#include "planner/cluster_check.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "planner/refusal.h"
#include "planner/topology/link_paths.h"

namespace cadastre {

namespace {

using Fault = std::optional<ClusterFault>;

bool is_bandwidth(double value) { return std::isfinite(value) && value > 0; }

bool is_spread(double value) { return value >= 0 && value <= kMostStepSpread; }

bool is_latency(double value) { return std::isfinite(value) && value >= 0; }

ClusterFault spread_fault(const std::string& pointer, double found) {
  return {.pointer = pointer,
          .message = "expected a number from 0 to " + number_text(kMostStepSpread) + ", found " +
                     number_text(found)};
}

Fault own_link_fault(const auto& owner, const std::string& pointer) {
  if (owner.bandwidth_bytes_per_s && !is_bandwidth(*owner.bandwidth_bytes_per_s))
    return ClusterFault{
        .pointer = pointer + "/bandwidth_bytes_per_s",
        .message = "expected a number > 0, found " + number_text(*owner.bandwidth_bytes_per_s)};
  if (owner.latency_s && !is_latency(*owner.latency_s))
    return ClusterFault{
        .pointer = pointer + "/latency_s",
        .message = "expected a number >= 0, found " + number_text(*owner.latency_s)};
  if (owner.bandwidth_spread && !is_spread(*owner.bandwidth_spread))
    return spread_fault(pointer + "/bandwidth_spread", *owner.bandwidth_spread);
  return std::nullopt;
}

/// The key of what `owner` says of its own link; empty where it says nothing.
std::string own_link_key(const auto& owner) {
  if (owner.bandwidth_bytes_per_s) return "/bandwidth_bytes_per_s";
  if (owner.latency_s) return "/latency_s";
  return owner.bandwidth_spread ? "/bandwidth_spread" : "";
}

Fault machine_fault(const Cluster& cluster) {
  std::map<std::string, std::string> where;  // name -> pointer of its first use
  for (std::size_t m = 0; m < cluster.machines.size(); ++m) {
    const Machine& machine = cluster.machines[m];
    const std::string pointer = "/machines/" + std::to_string(m);
    const std::string at_name = pointer + "/name";
    if (machine.name.empty())
      return ClusterFault{.pointer = at_name, .message = "expected a name, found \"\""};
    const auto [first, is_new] = where.emplace(machine.name, at_name);
    if (!is_new)
      return ClusterFault{.pointer = at_name,
                          .message = "expected a name used once, found " + in_quotes(machine.name) +
                                     " again (first at " + first->second + ")"};
    if (machine.cores < 1)
      return ClusterFault{
          .pointer = pointer + "/cores",
          .message = "expected an integer >= 1, found " + std::to_string(machine.cores)};
    if (!is_bandwidth(machine.memory_bandwidth_bytes_per_s))
      return ClusterFault{.pointer = pointer + "/memory_bandwidth_bytes_per_s",
                          .message = "expected a number > 0, found " +
                                     number_text(machine.memory_bandwidth_bytes_per_s)};
    if (Fault fault = own_link_fault(machine, pointer)) return fault;
  }
  return std::nullopt;
}

Fault host_fault(const Cluster& cluster) {
  std::vector<std::string> machines;
  for (const Machine& machine : cluster.machines) machines.push_back(machine.name);
  for (std::size_t h = 0; h < cluster.hosts.size(); ++h) {
    const Host& host = cluster.hosts[h];
    const int index = static_cast<int>(h);
    if (Fault fault = own_link_fault(host, "")) {
      fault->host = index;
      return fault;
    }
    if (!is_spread(host.speed_spread)) {
      ClusterFault fault = spread_fault("/speed_spread", host.speed_spread);
      fault.host = index;
      return fault;
    }
    if (host.machine.empty()) continue;
    if (std::find(machines.begin(), machines.end(), host.machine) == machines.end())
      return ClusterFault{
          .host = index,
          .pointer = "/machine",
          .message = "expected a machine of the cluster (" +
                     (machines.empty() ? std::string("there are none") : listed(machines)) +
                     "), found " + in_quotes(host.machine) + did_you_mean(host.machine, machines)};
    if (const std::string key = own_link_key(host); !key.empty())
      return ClusterFault{
          .host = index,
          .pointer = key,
          .message = "expected none for a host on a machine, whose link it is: state it there"};
  }
  return std::nullopt;
}

/// Zones and direct links, where hosts are on machines.
Fault shared_place_fault(const Cluster& cluster) {
  if (cluster.machines.empty()) return std::nullopt;
  const Network& network = cluster.network;
  const std::vector<int> zones = host_zones(cluster);
  const std::vector<int> machines = host_machines(cluster);
  std::vector<int> first_host(cluster.machines.size(), -1);
  for (std::size_t h = 0; h < cluster.hosts.size(); ++h) {
    if (machines[h] < 0) continue;
    int& first = first_host[static_cast<std::size_t>(machines[h])];
    if (first < 0) first = static_cast<int>(h);
    if (zones[static_cast<std::size_t>(first)] == zones[h]) continue;
    std::string message = "expected the hosts of a machine in one zone, found ";
    message += in_quotes(cluster.hosts[static_cast<std::size_t>(first)].name) + " and ";
    message += in_quotes(cluster.hosts[h].name) + " of " + in_quotes(cluster.hosts[h].machine);
    return ClusterFault{.pointer = "/network/zones", .message = message + " in different ones"};
  }
  for (std::size_t l = 0; l < network.direct_links.size(); ++l) {
    const DirectLink& link = network.direct_links[l];
    const auto machine = [&](const std::string& name) {
      return machines[static_cast<std::size_t>(host_index(cluster, name))];
    };
    if (machine(link.from) < 0 || machine(link.from) != machine(link.to)) continue;
    std::string message = "expected hosts of different machines, found ";
    message += in_quotes(link.from) + " and " + in_quotes(link.to);
    return ClusterFault{.pointer = "/network/direct_links/" + std::to_string(l),
                        .message = message + ", which its memory bus joins"};
  }
  return std::nullopt;
}

/// What only a star has.
Fault star_fault(const Cluster& cluster) {
  if (is_star(cluster.network.topology)) return std::nullopt;
  if (!cluster.network.zones.empty())
    return ClusterFault{
        .pointer = "/network/zones",
        .message = "expected none beside a topology, whose links are all there are"};
  const std::string message = "expected none beside a topology, which states the links";
  for (std::size_t h = 0; h < cluster.hosts.size(); ++h) {
    const Host& host = cluster.hosts[h];
    if (const std::string key = own_link_key(host); !key.empty())
      return ClusterFault{.host = static_cast<int>(h), .pointer = key, .message = message};
  }
  for (std::size_t m = 0; m < cluster.machines.size(); ++m) {
    const Machine& machine = cluster.machines[m];
    if (const std::string key = own_link_key(machine); !key.empty())
      return ClusterFault{.pointer = "/machines/" + std::to_string(m) + key, .message = message};
  }
  return std::nullopt;
}

Fault model_fault(const NetworkModel& model) {
  const auto fault = [](const std::string& key, const std::string& expected, double found) {
    return ClusterFault{.pointer = "/network/model/" + key,
                        .message = "expected " + expected + ", found " + number_text(found)};
  };
  if (!is_bandwidth(model.bandwidth_factor))
    return fault("bandwidth_factor", "a number > 0", model.bandwidth_factor);
  if (!is_latency(model.latency_factor))
    return fault("latency_factor", "a number >= 0", model.latency_factor);
  if (model.tcp_window_bytes && !is_bandwidth(*model.tcp_window_bytes))
    return fault("tcp_window_bytes", "a number > 0", *model.tcp_window_bytes);
  return std::nullopt;
}

}  // namespace

std::optional<ClusterFault> network_fault(const Cluster& cluster) {
  if (Fault fault = machine_fault(cluster)) return fault;
  if (Fault fault = host_fault(cluster)) return fault;
  if (Fault fault = shared_place_fault(cluster)) return fault;
  if (Fault fault = star_fault(cluster)) return fault;
  if (Fault fault = model_fault(cluster.network.model)) return fault;
  if (!is_spread(cluster.network.bandwidth_spread))
    return spread_fault("/network/bandwidth_spread", cluster.network.bandwidth_spread);
  return topology_fault(cluster);
}

}  // namespace cadastre
