#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "planner/cluster.h"
#include "planner/cluster_check.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/refusal.h"
#include "planner/units.h"

namespace cadastre {

namespace {

// Of a host beside the profile's device.
constexpr double kLeastSpeed = 1e-6;
constexpr double kMostSpeed = 1e6;

std::string string_or_empty(JsonObject& object, std::string_view key) {
  const std::optional<JsonPlace> place = object.find(key);
  return place ? place->string() : "";
}

double number_or(JsonObject& object, std::string_view key, double otherwise) {
  const std::optional<JsonPlace> place = object.find(key);
  return place ? place->number(0) : otherwise;
}

/// The optional member "bandwidth_spread".
std::optional<double> read_bandwidth_spread(JsonObject& object) {
  const std::optional<JsonPlace> spread = object.find("bandwidth_spread");
  if (!spread) return std::nullopt;
  return spread->number(0, kMostStepSpread);
}

/// `count` becomes that of the entry: so many hosts NAME-1, NAME-2, …
Host read_host(const JsonPlace& place, std::optional<std::int64_t>& count) {
  JsonObject object = place.object();
  Host host;
  const JsonPlace name = object.at("name");
  host.name = name.string();
  if (host.name.empty()) name.fail_expected("a name");
  if (const auto speed = object.find("relative_speed"))
    host.relative_speed = speed->number(kLeastSpeed, kMostSpeed);
  if (const auto cores = object.find("cores"))
    host.cores = static_cast<int>(cores->integer(1, 1 << 20));
  host.memory_bytes = size_bytes(object.at("memory_bytes"));
  host.address = string_or_empty(object, "address");
  host.price_per_hour = number_or(object, "price_per_hour", 0);
  host.watts = number_or(object, "watts", 0);
  if (const auto idle = object.find("idle_watts")) host.idle_watts = idle->number(0, host.watts);
  host.machine = string_or_empty(object, "machine");
  if (const auto mtbf = object.find("mtbf_s")) {
    host.mtbf_s = span_s(*mtbf);
    // What fails more often than once a second does not work.
    if (*host.mtbf_s < 1) mtbf->fail_expected("1 second or more between failures");
  }
  if (const auto bandwidth = object.find("bandwidth_bytes_per_s"))
    host.bandwidth_bytes_per_s = bandwidth_bytes_per_s(*bandwidth);
  if (const auto latency = object.find("latency_s")) host.latency_s = duration_s(*latency);
  if (const auto spread = object.find("speed_spread"))
    host.speed_spread = spread->number(0, kMostStepSpread);
  host.bandwidth_spread = read_bandwidth_spread(object);
  if (const auto speed = object.find("transport_speed"))
    host.transport_speed = speed->number(kLeastSpeed, kMostSpeed);
  if (const auto number = object.find("count")) {
    constexpr std::int64_t kMostHosts = 1 << 16;
    count = number->integer(1, kMostHosts);
    if (!host.address.empty())
      number->fail("expected no count for a host with an address, which is that of one");
  }
  object.finish();
  return host;
}

/// The hosts, and the entry of the document that each stands in.
struct Hosts {
  std::vector<Host> hosts;
  std::vector<JsonPlace> entries;
};

Hosts read_hosts(const JsonPlace& place) {
  Hosts read;
  std::map<std::string, std::string> where;  // name -> pointer of its first use
  for (const JsonPlace& item : place.array(1)) {
    std::optional<std::int64_t> count;
    const Host host = read_host(item, count);
    for (std::int64_t number = 1; number <= count.value_or(1); ++number) {
      Host one = host;
      if (count) one.name += "-" + std::to_string(number);
      const auto [first, is_new] = where.emplace(one.name, item.pointer() + "/name");
      if (!is_new)
        refuse(item, "/name",
               "expected a name used once, found " + in_quotes(one.name) + " again (first at " +
                   first->second + ")");
      read.hosts.push_back(std::move(one));
      read.entries.push_back(item);
    }
  }
  return read;
}

/// The names of the hosts, in order, and to look one up.
struct HostNames {
  explicit HostNames(const std::vector<Host>& hosts) {
    for (const Host& host : hosts) in_order.push_back(host.name);
    all.insert(in_order.begin(), in_order.end());
  }

  std::vector<std::string> in_order;
  std::unordered_set<std::string> all;
};

std::string read_end(const JsonPlace& place, const HostNames& hosts) {
  std::string name = place.string();
  if (!hosts.all.contains(name))
    place.fail("expected a host of the cluster (" + listed(hosts.in_order) + "), found " +
               in_quotes(name) + did_you_mean(name, hosts.in_order));
  return name;
}

DirectLink read_direct_link(const JsonPlace& place, const HostNames& hosts) {
  JsonObject object = place.object();
  DirectLink link{
      .from = read_end(object.at("from"), hosts),
      .to = read_end(object.at("to"), hosts),
      .bandwidth_bytes_per_s = bandwidth_bytes_per_s(object.at("bandwidth_bytes_per_s")),
      .latency_s = duration_s(object.at("latency_s"))};
  object.finish();
  if (link.from == link.to)
    refuse(place, "/to", "expected another host than \"from\", found " + in_quotes(link.to));
  return link;
}

Zone read_zone(const JsonPlace& place, const HostNames& hosts) {
  JsonObject object = place.object();
  Zone zone;
  const JsonPlace name = object.at("name");
  zone.name = name.string();
  if (zone.name.empty()) name.fail_expected("a name");
  for (const JsonPlace& host : object.at("hosts").array(1))
    zone.hosts.push_back(read_end(host, hosts));
  zone.bandwidth_bytes_per_s = bandwidth_bytes_per_s(object.at("bandwidth_bytes_per_s"));
  zone.latency_s = duration_s(object.at("latency_s"));
  object.finish();
  return zone;
}

std::vector<Zone> read_zones(const JsonPlace& place, const HostNames& hosts) {
  std::vector<Zone> zones;
  std::map<std::string, std::string> zone_of_host;
  std::map<std::string, std::string> where;  // zone -> pointer of its first use
  for (const JsonPlace& item : place.array()) {
    zones.push_back(read_zone(item, hosts));
    const Zone& zone = zones.back();
    const auto [first, is_new] = where.emplace(zone.name, item.pointer() + "/name");
    if (!is_new)
      refuse(item, "/name",
             "expected a name used once, found " + in_quotes(zone.name) + " again (first at " +
                 first->second + ")");
    for (std::size_t h = 0; h < zone.hosts.size(); ++h) {
      const auto [other, is_first] = zone_of_host.emplace(zone.hosts[h], zone.name);
      if (!is_first)
        refuse(item, "/hosts/" + std::to_string(h),
               "expected each host in one zone, found " + in_quotes(zone.hosts[h]) +
                   " again (it is in " + in_quotes(other->second) + ")");
    }
  }
  return zones;
}

NetworkModel read_model(const JsonPlace& place) {
  JsonObject object = place.object();
  NetworkModel model;
  const std::vector<std::string> names = {model.name, lv08_model().name};
  if (object.at("name").one_of(names) == 1) model = lv08_model();
  // Measured factors are within an order of magnitude or two.
  constexpr double kMostFactor = 1e6;
  if (const auto factor = object.find("bandwidth_factor"))
    model.bandwidth_factor = factor->number(1 / kMostFactor, kMostFactor);
  if (const auto factor = object.find("latency_factor"))
    model.latency_factor = factor->number(0, kMostFactor);
  if (const auto window = object.find("tcp_window_bytes")) {
    model.tcp_window_bytes.reset();
    if (!window->value().is_null())
      model.tcp_window_bytes = static_cast<double>(size_bytes(*window));
  }
  if (const auto crosstraffic = object.find("crosstraffic"))
    model.crosstraffic = crosstraffic->boolean();
  object.finish();
  return model;
}

nlohmann::json to_json(const NetworkModel& model) {
  nlohmann::json written = {{"name", model.name},
                            {"bandwidth_factor", model.bandwidth_factor},
                            {"latency_factor", model.latency_factor},
                            {"tcp_window_bytes", nullptr},
                            {"crosstraffic", model.crosstraffic}};
  if (model.tcp_window_bytes)
    written["tcp_window_bytes"] = static_cast<std::int64_t>(*model.tcp_window_bytes);
  return written;
}

Machine read_machine(const JsonPlace& place) {
  JsonObject object = place.object();
  Machine machine;
  machine.name = object.at("name").string();
  machine.cores = static_cast<int>(object.at("cores").integer(1, 1 << 20));
  machine.memory_bandwidth_bytes_per_s =
      bandwidth_bytes_per_s(object.at("memory_bandwidth_bytes_per_s"));
  if (const auto bandwidth = object.find("bandwidth_bytes_per_s"))
    machine.bandwidth_bytes_per_s = bandwidth_bytes_per_s(*bandwidth);
  if (const auto latency = object.find("latency_s")) machine.latency_s = duration_s(*latency);
  machine.bandwidth_spread = read_bandwidth_spread(object);
  object.finish();
  return machine;
}

nlohmann::json to_json(const Machine& machine) {
  nlohmann::json written = {{"name", machine.name},
                            {"cores", machine.cores},
                            {"memory_bandwidth_bytes_per_s", machine.memory_bandwidth_bytes_per_s}};
  if (machine.bandwidth_bytes_per_s)
    written["bandwidth_bytes_per_s"] = *machine.bandwidth_bytes_per_s;
  if (machine.latency_s) written["latency_s"] = *machine.latency_s;
  if (machine.bandwidth_spread) written["bandwidth_spread"] = *machine.bandwidth_spread;
  return written;
}

Network read_network(const JsonPlace& place, const HostNames& hosts) {
  JsonObject object = place.object();
  Network network{
      .bandwidth_bytes_per_s = bandwidth_bytes_per_s(object.at("bandwidth_bytes_per_s")),
      .latency_s = duration_s(object.at("latency_s")),
      .direct_links = {},
      .zones = {},
      .topology = {},
      .model = {}};
  constexpr double kMostReductionSecondsPerByte = 1e-3;
  if (const auto seconds = object.find("reduction_s_per_byte"))
    network.reduction_s_per_byte = seconds->number(0, kMostReductionSecondsPerByte);
  if (const auto seconds = object.find("message_s")) network.message_s = duration_s(*seconds);
  if (const auto seconds = object.find("transport_s_per_byte"))
    network.transport_s_per_byte = seconds->number(0, kMostReductionSecondsPerByte);
  constexpr double kMostBurstBytes = 1e12;
  if (const auto bytes = object.find("burst_bytes"))
    network.burst_bytes = bytes->number(0, kMostBurstBytes);
  network.bandwidth_spread = read_bandwidth_spread(object).value_or(0);
  if (const auto links = object.find("direct_links")) {
    std::map<std::pair<std::string, std::string>, std::string> where;
    for (const JsonPlace& item : links->array()) {
      const DirectLink link = read_direct_link(item, hosts);
      const auto [first, is_new] = where.emplace(std::minmax(link.from, link.to), item.pointer());
      if (!is_new)
        item.fail("expected one direct link between two hosts, found a second from " +
                  in_quotes(link.from) + " to " + in_quotes(link.to) + " (first at " +
                  first->second + ")");
      network.direct_links.push_back(link);
    }
  }
  if (const auto zones = object.find("zones")) network.zones = read_zones(*zones, hosts);
  if (const auto topology = object.find("topology"))
    network.topology =
        topology_from_json(*topology, network.bandwidth_bytes_per_s, network.latency_s);
  if (const auto model = object.find("model")) network.model = read_model(*model);
  object.finish();
  return network;
}

nlohmann::json to_json(const Host& host) {
  nlohmann::json written = {{"name", host.name},       {"relative_speed", host.relative_speed},
                            {"cores", host.cores},     {"memory_bytes", host.memory_bytes},
                            {"address", host.address}, {"price_per_hour", host.price_per_hour},
                            {"watts", host.watts}};
  if (host.bandwidth_bytes_per_s) written["bandwidth_bytes_per_s"] = *host.bandwidth_bytes_per_s;
  if (host.latency_s) written["latency_s"] = *host.latency_s;
  if (host.idle_watts) written["idle_watts"] = *host.idle_watts;
  if (!host.machine.empty()) written["machine"] = host.machine;
  if (host.mtbf_s) written["mtbf_s"] = *host.mtbf_s;
  if (host.speed_spread > 0) written["speed_spread"] = host.speed_spread;
  if (host.bandwidth_spread) written["bandwidth_spread"] = *host.bandwidth_spread;
  if (host.transport_speed) written["transport_speed"] = *host.transport_speed;
  return written;
}

}  // namespace

Cluster cluster_from_json(const JsonPlace& place) {
  JsonObject object = open_format(place, "cluster");
  Cluster cluster;
  cluster.name = object.at("name").string();
  cluster.description = string_or_empty(object, "description");
  Hosts read = read_hosts(object.at("hosts"));
  cluster.hosts = std::move(read.hosts);
  if (const auto machines = object.find("machines"))
    for (const JsonPlace& item : machines->array()) cluster.machines.push_back(read_machine(item));
  cluster.network = read_network(object.at("network"), HostNames(cluster.hosts));
  object.finish();
  if (const std::optional<ClusterFault> fault = network_fault(cluster))
    refuse(fault->host < 0 ? place : read.entries[static_cast<std::size_t>(fault->host)],
           fault->pointer, fault->message);
  return cluster;
}

Cluster read_cluster(const std::filesystem::path& file) {
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  return cluster_from_json(JsonPlace(document, name, ""));
}

nlohmann::json to_json(const Cluster& cluster) {
  nlohmann::json hosts = nlohmann::json::array();
  for (const Host& host : cluster.hosts) hosts.push_back(to_json(host));
  nlohmann::json links = nlohmann::json::array();
  for (const DirectLink& link : cluster.network.direct_links)
    links.push_back({{"from", link.from},
                     {"to", link.to},
                     {"bandwidth_bytes_per_s", link.bandwidth_bytes_per_s},
                     {"latency_s", link.latency_s}});
  nlohmann::json network = {{"bandwidth_bytes_per_s", cluster.network.bandwidth_bytes_per_s},
                            {"latency_s", cluster.network.latency_s},
                            {"reduction_s_per_byte", cluster.network.reduction_s_per_byte},
                            {"direct_links", std::move(links)}};
  if (cluster.network.message_s > 0) network["message_s"] = cluster.network.message_s;
  if (cluster.network.transport_s_per_byte > 0)
    network["transport_s_per_byte"] = cluster.network.transport_s_per_byte;
  if (cluster.network.burst_bytes > 0) network["burst_bytes"] = cluster.network.burst_bytes;
  if (cluster.network.bandwidth_spread > 0)
    network["bandwidth_spread"] = cluster.network.bandwidth_spread;
  for (const Zone& zone : cluster.network.zones)
    network["zones"].push_back({{"name", zone.name},
                                {"hosts", zone.hosts},
                                {"bandwidth_bytes_per_s", zone.bandwidth_bytes_per_s},
                                {"latency_s", zone.latency_s}});
  if (!is_star(cluster.network.topology)) network["topology"] = to_json(cluster.network.topology);
  if (cluster.network.model != NetworkModel{}) network["model"] = to_json(cluster.network.model);
  nlohmann::json document = {{"format", "cadastre-cluster/1"},
                             {"name", cluster.name},
                             {"description", cluster.description},
                             {"hosts", std::move(hosts)},
                             {"network", std::move(network)}};
  for (const Machine& machine : cluster.machines) document["machines"].push_back(to_json(machine));
  return document;
}

}  // namespace cadastre
