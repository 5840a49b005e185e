#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "planner/json_reader.h"
#include "planner/refusal.h"
#include "planner/topology.h"
#include "planner/units.h"

namespace cadastre {

namespace {

constexpr std::int64_t kMostOfAKind = 1 << 20;
constexpr std::size_t kMostLevels = 16;

int count(const JsonPlace& place) { return static_cast<int>(place.integer(1, kMostOfAKind)); }

int count_or_one(JsonObject& object, std::string_view key) {
  const std::optional<JsonPlace> place = object.find(key);
  return place ? count(*place) : 1;
}

std::vector<int> counts(const JsonPlace& place) {
  std::vector<int> counts;
  for (const JsonPlace& item : place.array(1)) counts.push_back(count(item));
  if (counts.size() > kMostLevels)
    place.fail("expected an array of " + std::to_string(kMostLevels) + " at most, found one of " +
               std::to_string(counts.size()));
  return counts;
}

Sharing read_sharing(JsonObject& object) {
  const std::optional<JsonPlace> place = object.find("sharing");
  if (!place) return Sharing::kSplitDuplex;
  std::vector<std::string> names;
  for (const Sharing sharing : {Sharing::kSplitDuplex, Sharing::kShared, Sharing::kFatPipe})
    names.push_back(sharing_name(sharing));
  return static_cast<Sharing>(place->one_of(names));
}

FatTree read_fat_tree(JsonObject& object) {
  FatTree tree{.down = counts(object.at("down")), .up = counts(object.at("up")), .parallel = {}};
  if (const auto parallel = object.find("parallel"))
    tree.parallel = counts(*parallel);
  else
    tree.parallel.assign(tree.down.size(), 1);
  tree.sharing = read_sharing(object);
  return tree;
}

Torus read_torus(JsonObject& object) {
  Torus torus{.dimensions = counts(object.at("dimensions"))};
  torus.sharing = read_sharing(object);
  return torus;
}

Dragonfly read_dragonfly(JsonObject& object) {
  Dragonfly fly{.groups = count(object.at("groups")),
                .group_links = count_or_one(object, "group_links"),
                .chassis = count(object.at("chassis")),
                .chassis_links = count_or_one(object, "chassis_links"),
                .routers = count(object.at("routers")),
                .router_links = count_or_one(object, "router_links"),
                .nodes = count(object.at("nodes"))};
  fly.sharing = read_sharing(object);
  return fly;
}

NamedLink read_link(JsonObject& object, const NamedLink& otherwise) {
  NamedLink link = otherwise;
  if (const auto name = object.find("name")) link.name = name->string();
  if (const auto bandwidth = object.find("bandwidth_bytes_per_s"))
    link.bandwidth_bytes_per_s = bandwidth_bytes_per_s(*bandwidth);
  if (const auto latency = object.find("latency_s")) link.latency_s = duration_s(*latency);
  link.sharing = read_sharing(object);
  return link;
}

Graph read_graph(JsonObject& object, const NamedLink& otherwise) {
  Graph graph;
  if (const auto switches = object.find("switches")) graph.switches = switches->strings();
  for (const JsonPlace& item : object.at("links").array()) {
    JsonObject of_link = item.object();
    Cable cable{
        .link = otherwise, .from = of_link.at("from").string(), .to = of_link.at("to").string()};
    cable.link.name = cable.from + "-";
    cable.link.name += cable.to;
    cable.link = read_link(of_link, cable.link);
    of_link.finish();
    graph.cables.push_back(std::move(cable));
  }
  return graph;
}

/// A list of links in the other direction.
std::vector<std::string> reversed(const std::vector<std::string>& links) {
  std::vector<std::string> back(links.rbegin(), links.rend());
  for (std::string& link : back) {
    const std::string up = ":up";
    const std::string down = ":down";
    if (link.ends_with(up))
      link.replace(link.size() - up.size(), up.size(), down);
    else if (link.ends_with(down))
      link.replace(link.size() - down.size(), down.size(), up);
  }
  return back;
}

std::vector<RouteLists::Way> read_ways(JsonObject& object, std::string_view key) {
  std::vector<RouteLists::Way> ways;
  const std::optional<JsonPlace> place = object.find(key);
  if (!place) return ways;
  for (const JsonPlace& item : place->array()) {
    JsonObject of_way = item.object();
    ways.push_back({.from = of_way.at("from").string(),
                    .to = of_way.at("to").string(),
                    .links = of_way.at("links").strings()});
    of_way.finish();
  }
  return ways;
}

RouteLists read_route_lists(JsonObject& object, const NamedLink& otherwise) {
  RouteLists lists;
  for (const JsonPlace& item : object.at("links").array()) {
    JsonObject of_link = item.object();
    static_cast<void>(of_link.at("name"));
    lists.links.push_back(read_link(of_link, otherwise));
    of_link.finish();
  }
  for (const JsonPlace& item : object.at("hosts").array()) {
    JsonObject of_place = item.object();
    RouteLists::Place place{
        .name = of_place.at("name").string(), .place_class = "", .up = {}, .down = {}};
    if (const auto place_class = of_place.find("class")) place.place_class = place_class->string();
    if (const auto up = of_place.find("up")) place.up = up->strings();
    const auto down = of_place.find("down");
    place.down = down ? down->strings() : reversed(place.up);
    of_place.finish();
    lists.places.push_back(std::move(place));
  }
  lists.between = read_ways(object, "between");
  lists.routes = read_ways(object, "routes");
  return lists;
}

/// Writes each kind of topology.
struct Writer {
  nlohmann::json operator()(std::monostate) const { return nullptr; }

  nlohmann::json operator()(const FatTree& tree) const {
    return {{"kind", "fat-tree"},
            {"down", tree.down},
            {"up", tree.up},
            {"parallel", tree.parallel},
            {"sharing", sharing_name(tree.sharing)}};
  }

  nlohmann::json operator()(const Torus& torus) const {
    return {{"kind", "torus"},
            {"dimensions", torus.dimensions},
            {"sharing", sharing_name(torus.sharing)}};
  }

  nlohmann::json operator()(const Dragonfly& fly) const {
    return {{"kind", "dragonfly"},
            {"groups", fly.groups},
            {"group_links", fly.group_links},
            {"chassis", fly.chassis},
            {"chassis_links", fly.chassis_links},
            {"routers", fly.routers},
            {"router_links", fly.router_links},
            {"nodes", fly.nodes},
            {"sharing", sharing_name(fly.sharing)}};
  }

  nlohmann::json operator()(const Graph& graph) const {
    nlohmann::json links = nlohmann::json::array();
    for (const Cable& cable : graph.cables) {
      nlohmann::json written = of(cable.link);
      written["from"] = cable.from;
      written["to"] = cable.to;
      links.push_back(std::move(written));
    }
    return {{"kind", "graph"}, {"switches", graph.switches}, {"links", std::move(links)}};
  }

  nlohmann::json operator()(const RouteLists& lists) const {
    nlohmann::json links = nlohmann::json::array();
    for (const NamedLink& link : lists.links) links.push_back(of(link));
    nlohmann::json places = nlohmann::json::array();
    for (const RouteLists::Place& place : lists.places) {
      nlohmann::json written = {{"name", place.name}, {"up", place.up}};
      if (!place.place_class.empty()) written["class"] = place.place_class;
      if (place.down != reversed(place.up)) written["down"] = place.down;
      places.push_back(std::move(written));
    }
    nlohmann::json topology = {
        {"kind", "routes"}, {"links", std::move(links)}, {"hosts", std::move(places)}};
    if (!lists.between.empty()) topology["between"] = of(lists.between);
    if (!lists.routes.empty()) topology["routes"] = of(lists.routes);
    return topology;
  }

 private:
  static nlohmann::json of(const NamedLink& link) {
    return {{"name", link.name},
            {"bandwidth_bytes_per_s", link.bandwidth_bytes_per_s},
            {"latency_s", link.latency_s},
            {"sharing", sharing_name(link.sharing)}};
  }

  static nlohmann::json of(const std::vector<RouteLists::Way>& ways) {
    nlohmann::json written = nlohmann::json::array();
    for (const RouteLists::Way& way : ways)
      written.push_back({{"from", way.from}, {"to", way.to}, {"links", way.links}});
    return written;
  }
};

}  // namespace

Topology topology_from_json(const JsonPlace& place, double bandwidth_bytes_per_s,
                            double latency_s) {
  JsonObject object = place.object();
  const NamedLink otherwise{
      .name = "", .bandwidth_bytes_per_s = bandwidth_bytes_per_s, .latency_s = latency_s};
  Topology topology;
  switch (object.at("kind").one_of({"fat-tree", "torus", "dragonfly", "graph", "routes"})) {
    case 0:
      topology = read_fat_tree(object);
      break;
    case 1:
      topology = read_torus(object);
      break;
    case 2:
      topology = read_dragonfly(object);
      break;
    case 3:
      topology = read_graph(object, otherwise);
      break;
    default:
      topology = read_route_lists(object, otherwise);
      break;
  }
  object.finish();
  return topology;
}

nlohmann::json to_json(const Topology& topology) { return std::visit(Writer{}, topology); }

}  // namespace cadastre
