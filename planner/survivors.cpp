#include "planner/survivors.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "planner/error.h"
#include "planner/plan_check.h"
#include "planner/plan_summary.h"
#include "planner/topology/link_paths.h"

namespace cadastre {

namespace {

using Names = std::set<std::string>;

Names names_of(const Cluster& cluster) {
  Names names;
  for (const Host& host : cluster.hosts) names.insert(host.name);
  return names;
}

/// Each group of places that cables join, in the order of their first places.
std::vector<Names> islands(const Graph& graph, const std::vector<std::string>& places) {
  std::unordered_map<std::string, std::vector<std::string>> neighbours;
  for (const Cable& cable : graph.cables) {
    neighbours[cable.from].push_back(cable.to);
    neighbours[cable.to].push_back(cable.from);
  }
  std::vector<Names> found;
  Names seen;
  for (const std::string& place : places) {
    if (seen.contains(place)) continue;
    Names& island = found.emplace_back();
    std::vector<std::string> next = {place};
    while (!next.empty()) {
      const std::string node = next.back();
      next.pop_back();
      if (!seen.insert(node).second) continue;
      island.insert(node);
      for (const std::string& neighbour : neighbours[node]) next.push_back(neighbour);
    }
  }
  return found;
}

/// Takes the cables of lost places out, and the places that those cut off.
void take_out(Graph& graph, Cluster& cluster, const std::vector<std::string>& places_before) {
  const std::vector<std::string> places = Places(cluster).names;
  const Names left(places.begin(), places.end());
  Names gone;
  for (const std::string& name : places_before)
    if (!left.contains(name)) gone.insert(name);
  std::erase_if(graph.cables, [&](const Cable& cable) {
    return gone.contains(cable.from) || gone.contains(cable.to);
  });
  const std::vector<Names> groups = islands(graph, places);
  if (groups.size() < 2) return;
  // By hosts, of which a machine may have several.
  const auto place_of = [](const Host& host) {
    return host.machine.empty() ? host.name : host.machine;
  };
  const auto num_hosts = [&](const Names& group) {
    return std::count_if(cluster.hosts.begin(), cluster.hosts.end(),
                         [&](const Host& host) { return group.contains(place_of(host)); });
  };
  const Names* largest = &groups.front();
  for (const Names& group : groups)
    if (num_hosts(group) > num_hosts(*largest)) largest = &group;
  std::erase_if(cluster.hosts,
                [&](const Host& host) { return !largest->contains(place_of(host)); });
  std::erase_if(graph.cables, [&](const Cable& cable) {
    return (left.contains(cable.from) && !largest->contains(cable.from)) ||
           (left.contains(cable.to) && !largest->contains(cable.to));
  });
}

void take_out(RouteLists& lists, const std::vector<std::string>& places) {
  const Names left(places.begin(), places.end());
  std::erase_if(lists.places,
                [&](const RouteLists::Place& place) { return !left.contains(place.name); });
  std::erase_if(lists.routes, [&](const RouteLists::Way& way) {
    return !left.contains(way.from) || !left.contains(way.to);
  });
}

/// The ways between places of a regular topology, written out. `places` are some of its own.
RouteLists listed_ways(const Cluster& whole, const std::vector<std::string>& places) {
  const Places all(whole);
  const LinkPaths paths = link_paths(whole, all);
  // What a half link is called in a list, and the link that it is of.
  std::vector<std::string> names(paths.links.size());
  std::vector<NamedLink> links(paths.links.size());
  const auto ends = [](const std::string& name, const char* end) { return name.ends_with(end); };
  for (std::size_t l = 0; l < paths.links.size(); ++l) {
    const HalfLink& half = paths.links[l];
    const bool up = ends(half.name, ".up");
    const bool down = !up && ends(half.name, ".down");
    const std::string direction = up ? ".up" : down ? ".down" : "";
    NamedLink& link = links[l];
    link.name = half.name.substr(0, half.name.size() - direction.size());
    link.bandwidth_bytes_per_s = half.bandwidth_bytes_per_s;
    link.latency_s = half.latency_s;
    link.sharing = half.fat_pipe       ? Sharing::kFatPipe
                   : direction.empty() ? Sharing::kShared
                                       : Sharing::kSplitDuplex;
    names[l] = link.name;
    if (!direction.empty()) names[l] += up ? ":up" : ":down";
  }
  std::unordered_map<std::string, int> place_of;
  for (std::size_t p = 0; p < all.names.size(); ++p)
    place_of.emplace(all.names[p], static_cast<int>(p));
  RouteLists lists;
  Names used;
  for (const std::string& from : places) {
    lists.places.push_back({.name = from, .place_class = "host", .up = {}, .down = {}});
    for (const std::string& to : places) {
      if (from == to) continue;
      std::vector<int> path;
      paths.append(place_of.at(from), place_of.at(to), path);
      RouteLists::Way& way =
          lists.routes.emplace_back(RouteLists::Way{.from = from, .to = to, .links = {}});
      for (const int half : path) {
        const auto l = static_cast<std::size_t>(half);
        way.links.push_back(names[l]);
        if (used.insert(links[l].name).second) lists.links.push_back(links[l]);
      }
    }
  }
  return lists;
}

}  // namespace

Cluster without_hosts(const Cluster& cluster, const std::vector<std::string>& lost) {
  for (const std::string& name : lost)
    if (host_index(cluster, name) < 0) throw InputError("", "", host_expected(name, cluster));
  if (lost.empty()) return cluster;
  const std::vector<std::string> places_before = Places(cluster).names;
  const Names is_lost(lost.begin(), lost.end());
  Cluster left = cluster;
  std::erase_if(left.hosts, [&](const Host& host) { return is_lost.contains(host.name); });
  Topology& topology = left.network.topology;
  if (auto* graph = std::get_if<Graph>(&topology)) take_out(*graph, left, places_before);

  const std::vector<std::string> places = Places(left).names;
  if (auto* lists = std::get_if<RouteLists>(&topology)) {
    take_out(*lists, places);
  } else if (num_places(topology) >= 0 && places.size() <= kMostListedPlaces &&
             !std::equal(places.begin(), places.end(), places_before.begin())) {
    topology = listed_ways(cluster, places);
  }

  const Names names = names_of(left);
  std::erase_if(left.network.direct_links, [&](const DirectLink& link) {
    return !names.contains(link.from) || !names.contains(link.to);
  });
  for (Zone& zone : left.network.zones)
    std::erase_if(zone.hosts, [&](const std::string& host) { return !names.contains(host); });
  std::erase_if(left.network.zones, [](const Zone& zone) { return zone.hosts.empty(); });
  Names in_use;
  for (const Host& host : left.hosts) in_use.insert(host.machine);
  std::erase_if(left.machines,
                [&](const Machine& machine) { return !in_use.contains(machine.name); });
  return left;
}

PlannerOptions options_like(const PlanDocument& document, const Cluster& cluster,
                            const SearchEffort& effort) {
  const Plan& plan = document.plan;
  PlannerOptions options;
  options.batch_size = plan.batch_size;
  options.all_reduce = plan.all_reduce;
  if (host_index(cluster, options.all_reduce.root) < 0) options.all_reduce.root.clear();
  options.wire_dtype = plan.wire_dtype;
  options.optimizer = plan.optimizer;
  const std::vector<std::string>& names = objective_names();
  options.objective = static_cast<Objective>(
      std::find(names.begin(), names.end(), document.search.objective) - names.begin());
  for (const Plan& alternative : document.alternatives)
    if (alternative.averaging_period > 0) options.averaging_period = alternative.averaging_period;
  if (plan.averaging_period > 0) {
    options.averaging_period = plan.averaging_period;
    options.strategy = cluster.hosts.size() > 1 ? "parameter-averaging" : "single";
    options.with_alternatives = false;
  }
  options.time_limit_s = effort.time_limit_s;
  options.patience_s = effort.patience_s.value_or(default_patience_s(document.profile, cluster));
  options.max_search_steps = effort.max_search_steps;
  options.on_progress = effort.on_progress;
  return options;
}

SurvivorPlan plan_without(const PlanDocument& document, const std::vector<std::string>& lost,
                          const SearchEffort& effort) {
  const Cluster left = without_hosts(document.cluster, lost);
  const Names names = names_of(left);
  SurvivorPlan survivor;
  for (const Host& host : document.cluster.hosts)
    if (!names.contains(host.name)) survivor.lost.push_back(host.name);
  if (left.hosts.empty()) {
    survivor.why_none = "no host is left";
    return survivor;
  }
  PlanDocument found = make_plan(document.profile, left, options_like(document, left, effort));
  if (found.search.feasible)
    survivor.plan = std::move(found);
  else
    survivor.why_none = no_plan_text(found, {});
  return survivor;
}

}  // namespace cadastre
