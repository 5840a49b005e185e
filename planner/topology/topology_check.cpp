#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "planner/cluster_check.h"
#include "planner/refusal.h"
#include "planner/topology/link_paths.h"

namespace cadastre {

namespace {

using Fault = std::optional<ClusterFault>;

Fault fault_at(const std::string& pointer, const std::string& message) {
  return ClusterFault{.pointer = "/network/topology" + pointer, .message = message};
}

std::string item(const std::string& array, std::size_t index) {
  std::string pointer = "/";
  pointer += array;
  pointer += "/";
  return pointer + std::to_string(index);
}

Fault counts_fault(const std::vector<int>& counts, const std::string& key) {
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] < 1)
      return fault_at(item(key, i), "expected an integer >= 1, found " + std::to_string(counts[i]));
  return std::nullopt;
}

Fault shape_fault(const FatTree& tree) {
  if (tree.down.empty()) return fault_at("/down", "expected an array of at least 1, found none");
  for (const auto& [counts, key] :
       {std::pair{&tree.up, "up"}, std::pair{&tree.parallel, "parallel"}})
    if (counts->size() != tree.down.size())
      return fault_at(std::string("/") + key,
                      "expected a number for each level, " + std::to_string(tree.down.size()) +
                          " as in \"down\", found " + std::to_string(counts->size()));
  for (const auto& [counts, key] : {std::pair{&tree.down, "down"}, std::pair{&tree.up, "up"},
                                    std::pair{&tree.parallel, "parallel"}})
    if (Fault fault = counts_fault(*counts, key)) return fault;
  return std::nullopt;
}

Fault shape_fault(const Torus& torus) {
  if (torus.dimensions.empty())
    return fault_at("/dimensions", "expected an array of at least 1, found none");
  return counts_fault(torus.dimensions, "dimensions");
}

Fault shape_fault(const Dragonfly& fly) {
  for (const auto& [count, key] :
       {std::pair{fly.groups, "groups"}, std::pair{fly.group_links, "group_links"},
        std::pair{fly.chassis, "chassis"}, std::pair{fly.chassis_links, "chassis_links"},
        std::pair{fly.routers, "routers"}, std::pair{fly.router_links, "router_links"},
        std::pair{fly.nodes, "nodes"}})
    if (count < 1)
      return fault_at(std::string("/") + key,
                      "expected an integer >= 1, found " + std::to_string(count));
  if (fly.groups > 1 && fly.groups > fly.routers)
    return fault_at("/groups", "expected as many groups as a chassis has routers at most (" +
                                   std::to_string(fly.routers) + "), each linked with one, found " +
                                   std::to_string(fly.groups));
  return std::nullopt;
}

Fault size_fault(const Topology& topology, std::size_t num_used) {
  const std::int64_t num_all_links = num_links(topology);
  if (num_all_links > kMostLinks)
    return fault_at("", "expected a topology of " + std::to_string(kMostLinks) +
                            " links at most, found one of more");
  const std::int64_t places = num_places(topology);
  if (static_cast<std::int64_t>(num_used) > places)
    return fault_at("", "expected a topology with a place for each of " + std::to_string(num_used) +
                            " hosts or machines, found one of " + std::to_string(places) +
                            " places");
  return std::nullopt;
}

Fault links_fault(const std::vector<const NamedLink*>& links, const std::string& key) {
  std::map<std::string, std::size_t> first_of;
  for (std::size_t i = 0; i < links.size(); ++i) {
    const NamedLink& link = *links[i];
    const std::string pointer = item(key, i);
    if (link.name.empty()) return fault_at(pointer + "/name", "expected a name, found \"\"");
    const auto [first, is_new] = first_of.emplace(link.name, i);
    if (!is_new)
      return fault_at(pointer + "/name",
                      "expected a name used once, found " + in_quotes(link.name) +
                          " again (first at /network/topology" + item(key, first->second) + ")");
    if (!(std::isfinite(link.bandwidth_bytes_per_s) && link.bandwidth_bytes_per_s > 0))
      return fault_at(pointer + "/bandwidth_bytes_per_s",
                      "expected a number > 0, found " + number_text(link.bandwidth_bytes_per_s));
    if (!(std::isfinite(link.latency_s) && link.latency_s >= 0))
      return fault_at(pointer + "/latency_s",
                      "expected a number >= 0, found " + number_text(link.latency_s));
  }
  return std::nullopt;
}

/// Sets of nodes that ways join.
class Islands {
 public:
  explicit Islands(std::size_t num_nodes) : parent_(num_nodes) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }

  std::size_t of(std::size_t node) {
    while (parent_[node] != node) node = parent_[node] = parent_[parent_[node]];
    return node;
  }

  void join(std::size_t a, std::size_t b) { parent_[of(a)] = of(b); }

 private:
  std::vector<std::size_t> parent_;
};

Fault graph_fault(const Graph& graph, const Places& places) {
  std::vector<std::string> names = places.names;
  std::unordered_map<std::string, std::size_t> node_of;
  for (const std::string& name : names) {
    if (node_of.emplace(name, node_of.size()).second) continue;
    return fault_at("", "expected machines and the hosts on none to have different names, found " +
                            in_quotes(name) + " twice");
  }
  for (std::size_t s = 0; s < graph.switches.size(); ++s) {
    const std::string& name = graph.switches[s];
    if (name.empty()) return fault_at(item("switches", s), "expected a name, found \"\"");
    if (!node_of.emplace(name, node_of.size()).second)
      return fault_at(
          item("switches", s),
          "expected a name that no host, machine or other switch has, found " + in_quotes(name));
    names.push_back(name);
  }
  std::vector<const NamedLink*> links;
  for (const Cable& cable : graph.cables) links.push_back(&cable.link);
  if (Fault fault = links_fault(links, "links")) return fault;
  Islands islands(names.size());
  std::vector<int> num_cables(names.size(), 0);
  for (std::size_t c = 0; c < graph.cables.size(); ++c) {
    const Cable& cable = graph.cables[c];
    for (const auto& [name, key] : {std::pair{&cable.from, "/from"}, std::pair{&cable.to, "/to"}}) {
      const auto found = node_of.find(*name);
      if (found == node_of.end())
        return fault_at(item("links", c) + key, "expected a host, machine or switch (" +
                                                    listed(names) + "), found " + in_quotes(*name) +
                                                    did_you_mean(*name, names));
      ++num_cables[found->second];
    }
    if (cable.from == cable.to)
      return fault_at(item("links", c) + "/to",
                      "expected another end than \"from\", found " + in_quotes(cable.to));
    islands.join(node_of.at(cable.from), node_of.at(cable.to));
  }
  for (std::size_t p = 1; p < places.names.size(); ++p)
    if (islands.of(p) != islands.of(0))
      return fault_at("/links", "expected links that join all hosts, found no way from " +
                                    in_quotes(places.names[0]) + " to " +
                                    in_quotes(places.names[p]));
  const auto num_sources = static_cast<std::size_t>(
      std::count_if(num_cables.begin(), num_cables.end(), [](int count) { return count > 1; }));
  constexpr std::size_t kMostEntries = std::size_t{1} << 26;
  if (num_sources * names.size() > kMostEntries)
    return fault_at("", "expected a graph whose ways fit in memory, found " +
                            std::to_string(names.size()) + " hosts and switches, " +
                            std::to_string(num_sources) + " of them with several links");
  return std::nullopt;
}

/// Checks the names in lists of links, and that every two places have a way between them.
class ListsCheck {
 public:
  ListsCheck(const RouteLists& lists, const Places& places) : lists_(lists), places_(places) {}

  Fault fault() {
    std::vector<const NamedLink*> links;
    for (const NamedLink& link : lists_.links) links.push_back(&link);
    if (Fault found = links_fault(links, "links")) return found;
    for (const NamedLink& link : lists_.links)
      for (const std::string& way :
           link.sharing == Sharing::kSplitDuplex
               ? std::vector<std::string>{link.name + ":up", link.name + ":down"}
               : std::vector<std::string>{link.name}) {
        if (!is_known_.insert(way).second)
          return fault_at("/links", "expected no link to be named as another's direction, found " +
                                        in_quotes(way) + " twice");
        known_.push_back(way);
      }
    if (Fault found = places_fault()) return found;
    if (Fault found = ways_fault(lists_.between, "between", classes_, "class")) return found;
    if (Fault found = ways_fault(lists_.routes, "routes", places_.names, "host or machine"))
      return found;
    return gap_fault();
  }

 private:
  Fault names_fault(const std::vector<std::string>& names, const std::string& pointer) {
    for (std::size_t i = 0; i < names.size(); ++i)
      if (!is_known_.contains(names[i]))
        return fault_at(pointer + "/" + std::to_string(i),
                        "expected a link, or NAME:up or NAME:down of a split-duplex one (" +
                            listed(known_) + "), found " + in_quotes(names[i]) +
                            did_you_mean(names[i], known_));
    return std::nullopt;
  }

  Fault places_fault() {
    std::unordered_map<std::string, std::size_t> first_of;
    for (std::size_t p = 0; p < lists_.places.size(); ++p) {
      const RouteLists::Place& place = lists_.places[p];
      const std::string pointer = item("hosts", p);
      if (Fault found =
              one_of_fault(place.name, places_.names, "host or machine", pointer + "/name"))
        return found;
      const auto [first, is_new] = first_of.emplace(place.name, p);
      if (!is_new)
        return fault_at(pointer + "/name", "expected each host once, found " +
                                               in_quotes(place.name) +
                                               " again (first at /network/topology" +
                                               item("hosts", first->second) + ")");
      if (Fault found = names_fault(place.up, pointer + "/up")) return found;
      if (Fault found = names_fault(place.down, pointer + "/down")) return found;
      if (std::find(classes_.begin(), classes_.end(), place.place_class) == classes_.end())
        classes_.push_back(place.place_class);
      place_of_.emplace(place.name, &place);
    }
    for (const std::string& name : places_.names)
      if (!first_of.contains(name))
        return fault_at("/hosts", "expected each host or machine, found no " + in_quotes(name));
    return std::nullopt;
  }

  static Fault one_of_fault(const std::string& name, const std::vector<std::string>& names,
                            const std::string& what, const std::string& pointer) {
    if (std::find(names.begin(), names.end(), name) != names.end()) return std::nullopt;
    std::string message = "expected a ";
    message += what + " (" + listed(names) + "), found " + in_quotes(name);
    return fault_at(pointer, message + did_you_mean(name, names));
  }

  Fault ways_fault(const std::vector<RouteLists::Way>& ways, const std::string& key,
                   const std::vector<std::string>& names, const std::string& what) {
    const std::set<std::string> known(names.begin(), names.end());
    std::map<std::pair<std::string, std::string>, std::size_t> first_of;
    for (std::size_t w = 0; w < ways.size(); ++w) {
      const RouteLists::Way& way = ways[w];
      const std::string pointer = item(key, w);
      for (const auto& [name, end] : {std::pair{&way.from, "/from"}, std::pair{&way.to, "/to"}})
        if (!known.contains(*name))
          if (Fault found = one_of_fault(*name, names, what, pointer + end)) return found;
      const auto [first, is_new] = first_of.emplace(std::pair(way.from, way.to), w);
      if (!is_new)
        return fault_at(pointer, "expected one list from " + in_quotes(way.from) + " to " +
                                     in_quotes(way.to) +
                                     ", found a second (first at "
                                     "/network/topology" +
                                     item(key, first->second) + ")");
      if (key == "routes" && way.from == way.to)
        return fault_at(pointer + "/to",
                        "expected another end than \"from\", found " + in_quotes(way.to));
      if (key == "routes" && way.links.empty())
        return fault_at(pointer + "/links", "expected an array of at least 1, found none");
      if (Fault found = names_fault(way.links, pointer + "/links")) return found;
    }
    return std::nullopt;
  }

  /// Two classes need a list between them, and one class links on the way between two of its hosts;
  /// where they have none, all their pairs need routes of their own.
  Fault gap_fault() {
    std::set<std::pair<std::string, std::string>> joined;
    std::set<std::pair<std::string, std::string>> by_links;
    for (const RouteLists::Way& way : lists_.between) {
      joined.emplace(way.from, way.to);
      joined.emplace(way.to, way.from);
      if (way.links.empty()) continue;
      by_links.emplace(way.from, way.to);
      by_links.emplace(way.to, way.from);
    }
    std::set<std::pair<std::string, std::string>> routed;
    for (const RouteLists::Way& way : lists_.routes) {
      routed.emplace(way.from, way.to);
      routed.emplace(way.to, way.from);
    }
    std::map<std::string, std::vector<const RouteLists::Place*>> members;
    for (const std::string& name : places_.names)
      members[place_of_.at(name)->place_class].push_back(place_of_.at(name));
    const auto all_have = [](const std::vector<const RouteLists::Place*>& places,
                             std::vector<std::string> RouteLists::Place::*links) {
      return std::all_of(places.begin(), places.end(),
                         [&](const RouteLists::Place* place) { return !(place->*links).empty(); });
    };
    for (const auto& [from_class, senders] : members)
      for (const auto& [to_class, receivers] : members) {
        const std::pair classes(from_class, to_class);
        const bool is_joined = from_class == to_class || joined.contains(classes);
        if (is_joined && (by_links.contains(classes) || all_have(senders, &RouteLists::Place::up) ||
                          all_have(receivers, &RouteLists::Place::down)))
          continue;
        for (const RouteLists::Place* sender : senders)
          for (const RouteLists::Place* receiver : receivers) {
            if (sender == receiver || routed.contains({sender->name, receiver->name})) continue;
            if (is_joined &&
                (by_links.contains(classes) || !sender->up.empty() || !receiver->down.empty()))
              continue;
            return fault_at("", "expected lists that join all hosts, found no way from " +
                                    in_quotes(sender->name) + " to " + in_quotes(receiver->name));
          }
      }
    return std::nullopt;
  }

  const RouteLists& lists_;
  const Places& places_;
  std::vector<std::string> known_;
  std::unordered_set<std::string> is_known_;
  std::vector<std::string> classes_;
  std::unordered_map<std::string, const RouteLists::Place*> place_of_;
};

struct TopologyCheck {
  const Topology& topology;
  const Places places;

  Fault operator()(std::monostate) const { return std::nullopt; }

  Fault operator()(const auto& regular) const {
    if (Fault fault = shape_fault(regular)) return fault;
    return size_fault(topology, places.names.size());
  }

  Fault operator()(const Graph& graph) const { return graph_fault(graph, places); }

  Fault operator()(const RouteLists& lists) const { return ListsCheck(lists, places).fault(); }
};

}  // namespace

std::optional<ClusterFault> topology_fault(const Cluster& cluster) {
  const Topology& topology = cluster.network.topology;
  return std::visit(TopologyCheck{topology, Places(cluster)}, topology);
}

}  // namespace cadastre
