#include "planner/simgrid_platform.h"

#include <charconv>
#include <optional>
#include <pugixml.hpp>
#include <set>
#include <sstream>

#include "planner/error.h"
#include "planner/refusal.h"
#include "planner/routes.h"

namespace cadastre {

namespace {

constexpr double kFlopsPerSecondOfUnitSpeed = 1e9;

/// The shortest text that reads back as the same number, without the exponent's plus sign, which
/// SimGrid takes for a unit.
std::string text_of(double number) {
  char buffer[32];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, number);
  std::string text(buffer, end);
  std::erase(text, '+');
  return text;
}

void set(pugi::xml_node& node, const char* name, const std::string& value) {
  node.append_attribute(name).set_value(value.c_str());
}

void add_property(pugi::xml_node& node, const char* id, const std::string& value) {
  pugi::xml_node property = node.append_child("prop");
  set(property, "id", id);
  set(property, "value", value);
}

const char* sharing_policy(Sharing sharing) {
  switch (sharing) {
    case Sharing::kSplitDuplex:
      return "SPLITDUPLEX";
    case Sharing::kShared:
      return "SHARED";
    case Sharing::kFatPipe:
      break;
  }
  return "FATPIPE";
}

void add_model(pugi::xml_node& platform, const NetworkModel& model) {
  pugi::xml_node config = platform.append_child("config");
  add_property(config, "network/model", "CM02");
  add_property(config, "network/bandwidth-factor", text_of(model.bandwidth_factor));
  add_property(config, "network/latency-factor", text_of(model.latency_factor));
  add_property(config, "network/TCP-gamma", text_of(model.tcp_window_bytes.value_or(0)));
  add_property(config, "network/crosstraffic", model.crosstraffic ? "1" : "0");
  add_property(config, "network/weight-S", "0");
}

void add_host_properties(pugi::xml_node& node, const Host& host) {
  add_property(node, "memory_bytes", std::to_string(host.memory_bytes));
  if (host.price_per_hour > 0) add_property(node, "price_per_hour", text_of(host.price_per_hour));
  if (!host.address.empty()) add_property(node, "address", host.address);
  if (!host.machine.empty()) add_property(node, "machine", host.machine);
  if (host.watts > 0) {
    const std::string idle = text_of(idle_watts(host));
    // Idle, just computing, with all cores.
    add_property(node, "wattage_per_state", idle + ":" + idle + ":" + text_of(host.watts));
  }
}

std::string speed_of(const Host& host) {
  return text_of(kFlopsPerSecondOfUnitSpeed * host.relative_speed) + "f";
}

void add_host(pugi::xml_node& zone, const Host& host) {
  pugi::xml_node node = zone.append_child("host");
  set(node, "id", host.name);
  set(node, "speed", speed_of(host));
  set(node, "core", std::to_string(host.cores));
  add_host_properties(node, host);
}

void add_link(pugi::xml_node& zone, const std::string& name, double bandwidth_bytes_per_s,
              double latency_s, const char* policy) {
  pugi::xml_node node = zone.append_child("link");
  set(node, "id", name);
  set(node, "bandwidth", text_of(bandwidth_bytes_per_s) + "Bps");
  set(node, "latency", text_of(latency_s) + "s");
  set(node, "sharing_policy", policy);
}

/// What `<cluster>` makes host names of: a prefix and consecutive numbers.
struct Radical {
  std::string prefix;
  std::int64_t first = 0;
};

std::optional<Radical> radical_of(const std::vector<Host>& hosts) {
  Radical radical;
  for (std::size_t h = 0; h < hosts.size(); ++h) {
    const std::string& name = hosts[h].name;
    const std::size_t digits = name.find_last_not_of("0123456789") + 1;
    constexpr std::size_t kMostDigits = 9;
    if (digits == name.size() || name.size() - digits > kMostDigits) return std::nullopt;
    const std::int64_t number = std::stoll(name.substr(digits));
    if (h == 0) radical = {.prefix = name.substr(0, digits), .first = number};
    std::string expected = radical.prefix;
    expected += std::to_string(radical.first + static_cast<std::int64_t>(h));
    if (name != expected) return std::nullopt;
  }
  return radical;
}

std::string joined(const std::vector<int>& numbers) {
  std::string text;
  for (const int number : numbers) {
    if (!text.empty()) text += ",";
    text += std::to_string(number);
  }
  return text;
}

/// SimGrid's words for a topology that it makes the same links and routes of.
struct ClusterWords {
  const char* topology = nullptr;
  std::string parameters;
  Sharing sharing = Sharing::kSplitDuplex;
};

std::optional<ClusterWords> words_of(const Topology& topology) {
  if (const auto* tree = std::get_if<FatTree>(&topology))
    return ClusterWords{.topology = "FAT_TREE",
                        .parameters = std::to_string(tree->down.size()) + ";" + joined(tree->down) +
                                      ";" + joined(tree->up) + ";" + joined(tree->parallel),
                        .sharing = tree->sharing};
  if (const auto* torus = std::get_if<Torus>(&topology)) {
    // A dimension of one place has no routes, and two of them would give SimGrid's links one name.
    std::vector<int> dimensions = torus->dimensions;
    std::erase(dimensions, 1);
    if (dimensions.empty()) dimensions.push_back(1);
    return ClusterWords{
        .topology = "TORUS", .parameters = joined(dimensions), .sharing = torus->sharing};
  }
  const auto* fly = std::get_if<Dragonfly>(&topology);
  // With both, SimGrid's route from another chassis than the first to another router leaves the
  // link between the two chassis out, or crosses one too many (up to 4.0).
  if (fly == nullptr || (fly->chassis > 1 && fly->routers > 1)) return std::nullopt;
  return ClusterWords{.topology = "DRAGONFLY",
                      .parameters = joined({fly->groups, fly->group_links}) + ";" +
                                    joined({fly->chassis, fly->chassis_links}) + ";" +
                                    joined({fly->routers, fly->router_links}) + ";" +
                                    std::to_string(fly->nodes),
                      .sharing = fly->sharing};
}

/// Writes the cluster as SimGrid's own, if it is one.
bool add_cluster(pugi::xml_node& platform, const Cluster& cluster) {
  const std::optional<ClusterWords> words = words_of(cluster.network.topology);
  const std::optional<Radical> radical = radical_of(cluster.hosts);
  // SimGrid 3.32 makes fat pipes of a cluster shared links.
  if (!words || words->sharing == Sharing::kFatPipe || !radical || !cluster.machines.empty() ||
      !cluster.network.direct_links.empty() ||
      num_places(cluster.network.topology) != static_cast<std::int64_t>(cluster.hosts.size()))
    return false;
  Host alike = cluster.hosts.front();
  for (const Host& host : cluster.hosts) {
    alike.name = host.name;
    if (host != alike) return false;
  }
  pugi::xml_node node = platform.append_child("cluster");
  set(node, "id", "cluster");
  set(node, "prefix", radical->prefix);
  set(node, "suffix", "");
  std::string numbers = std::to_string(radical->first) + "-";
  numbers += std::to_string(radical->first + static_cast<std::int64_t>(cluster.hosts.size()) - 1);
  set(node, "radical", numbers);
  set(node, "speed", speed_of(alike));
  set(node, "core", std::to_string(alike.cores));
  set(node, "bw", text_of(cluster.network.bandwidth_bytes_per_s) + "Bps");
  set(node, "lat", text_of(cluster.network.latency_s) + "s");
  set(node, "topology", words->topology);
  set(node, "topo_parameters", words->parameters);
  set(node, "sharing_policy", sharing_policy(words->sharing));
  add_host_properties(node, alike);
  return true;
}

/// Writes hosts behind a switch, each with a link of its own: as short as the cluster.
bool add_star(pugi::xml_node& platform, const Cluster& cluster, const Routes& routes) {
  const Network& network = cluster.network;
  if (!is_star(network.topology) || !network.zones.empty() || !network.direct_links.empty() ||
      !cluster.machines.empty() || cluster.hosts.size() < 2)
    return false;
  pugi::xml_node zone = platform.append_child("zone");
  set(zone, "id", "cluster");
  set(zone, "routing", "Cluster");
  for (const Host& host : cluster.hosts) add_host(zone, host);
  for (std::size_t h = 0; h < cluster.hosts.size(); ++h) {
    const HalfLink& link = routes.half_links()[2 * h];  // host links come first in a star
    add_link(zone, cluster.hosts[h].name + " link", link.bandwidth_bytes_per_s, link.latency_s,
             "SPLITDUPLEX");
  }
  for (const Host& host : cluster.hosts) {
    pugi::xml_node node = zone.append_child("host_link");
    set(node, "id", host.name);
    set(node, "up", host.name + " link_UP");
    set(node, "down", host.name + " link_DOWN");
  }
  return true;
}

void add_routes(pugi::xml_node& platform, const Cluster& cluster, const Routes& routes,
                const std::string& file) {
  const int num_hosts = static_cast<int>(cluster.hosts.size());
  constexpr int kMostHosts = 512;
  if (num_hosts > kMostHosts)
    throw InputError(file, "/hosts",
                     "expected " + std::to_string(kMostHosts) +
                         " hosts at most where each route must be listed, found " +
                         std::to_string(num_hosts));
  pugi::xml_node zone = platform.append_child("zone");
  set(zone, "id", "cluster");
  set(zone, "routing", "Full");
  for (const Host& host : cluster.hosts) add_host(zone, host);
  std::set<int> crossed;
  for (int from = 0; from < num_hosts; ++from)
    for (int to = 0; to < num_hosts; ++to)
      if (from != to)
        for (const int half_link : routes.path(from, to)) crossed.insert(half_link);
  std::vector<std::string> names(routes.num_half_links());
  std::set<std::string> used;
  for (const int half_link : crossed) {
    const auto l = static_cast<std::size_t>(half_link);
    const HalfLink& link = routes.half_links()[l];
    names[l] = link.name;
    // A cable may be named as a host's link is.
    for (int copy = 2; !used.insert(names[l]).second; ++copy)
      names[l] = link.name + " " + std::to_string(copy);
    add_link(zone, names[l], link.bandwidth_bytes_per_s, link.latency_s,
             link.fat_pipe ? "FATPIPE" : "SHARED");
  }
  for (int from = 0; from < num_hosts; ++from)
    for (int to = 0; to < num_hosts; ++to) {
      if (from == to) continue;
      pugi::xml_node route = zone.append_child("route");
      set(route, "src", cluster.hosts[static_cast<std::size_t>(from)].name);
      set(route, "dst", cluster.hosts[static_cast<std::size_t>(to)].name);
      set(route, "symmetrical", "NO");
      for (const int half_link : routes.path(from, to)) {
        pugi::xml_node link = route.append_child("link_ctn");
        set(link, "id", names[static_cast<std::size_t>(half_link)]);
      }
    }
}

}  // namespace

std::string simgrid_platform_xml(const Cluster& cluster, const std::string& file) {
  // The factors are SimGrid's to apply.
  Cluster nominal = cluster;
  nominal.network.model = {};
  const Routes routes(nominal, Routes::Table::kNone);
  pugi::xml_document document;
  pugi::xml_node declaration = document.append_child(pugi::node_declaration);
  set(declaration, "version", "1.0");
  pugi::xml_node doctype = document.append_child(pugi::node_doctype);
  doctype.set_value("platform SYSTEM \"https://simgrid.org/simgrid.dtd\"");
  pugi::xml_node platform = document.append_child("platform");
  set(platform, "version", "4.1");
  add_model(platform, cluster.network.model);
  if (!add_cluster(platform, nominal) && !add_star(platform, nominal, routes))
    add_routes(platform, nominal, routes, file);
  std::ostringstream text;
  document.save(text, " ");
  return text.str();
}

}  // namespace cadastre
