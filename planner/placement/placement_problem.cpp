#include "planner/placement/placement_problem.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <utility>

#include "planner/files.h"
#include "planner/refusal.h"

namespace cadastre {

namespace {

// Far beyond what anything takes, and small enough that no sum becomes infinite.
constexpr double kMostMs = 1e15;
constexpr double kMostBytes = 1e18;
constexpr std::int64_t kMostDevices = std::int64_t{1} << 30;

/// The authors write flags as true and false in some files and as 1 and 0 in others.
bool flag(const JsonPlace& place) {
  if (place.value().is_boolean()) return place.boolean();
  if (place.value().is_number_integer() && (place.value() == 0 || place.value() == 1))
    return place.value() == 1;
  place.fail_expected("true, false, 1 or 0");
}

PlacementNode read_node(const JsonPlace& place) {
  JsonObject object = place.object();
  PlacementNode node{.id = object.at("id").integer(),
                     .accelerator_ms = object.at("fpgaLatency").number(0, kMostMs),
                     .cpu_ms = object.at("cpuLatency").number(0, kMostMs),
                     .size_bytes = object.at("size").number(0, kMostBytes),
                     .is_backward = flag(object.at("isBackwardNode")),
                     .runs_on_accelerator = flag(object.at("supportedOnFpga"))};
  if (const auto color = object.find("colorClass")) node.color = color->integer();
  return node;
}

using IndexOfId = std::unordered_map<std::int64_t, std::size_t>;

std::size_t read_end(const JsonPlace& place, const IndexOfId& index_of) {
  const auto found = index_of.find(place.integer());
  if (found == index_of.end()) place.fail_expected("the id of a node");
  return found->second;
}

void read_edges(const JsonPlace& place, const IndexOfId& index_of, PlacementProblem& problem) {
  constexpr double kSameMs = 1e-6;  // as the authors' own reader has it
  std::vector<std::size_t> first_edge(problem.nodes.size(), std::string::npos);
  for (const JsonPlace& item : place.array()) {
    JsonObject object = item.object();
    const JsonPlace target = object.at("destId");
    const PlacementEdge edge{.source = read_end(object.at("sourceId"), index_of),
                             .target = read_end(target, index_of)};
    PlacementNode& source = problem.nodes[edge.source];
    if (edge.source == edge.target) target.fail_expected("another node than the edge comes from");
    if (source.is_backward && !problem.nodes[edge.target].is_backward)
      target.fail_expected("a backward node, as the edge comes from one");
    const JsonPlace cost = object.at("cost");
    const double transfer_ms = cost.number(0, kMostMs);
    std::size_t& first = first_edge[edge.source];
    if (first == std::string::npos) {
      first = problem.edges.size();
      source.transfer_ms = transfer_ms;
    } else if (std::abs(transfer_ms - source.transfer_ms) > kSameMs) {
      cost.fail_expected("the cost of /edges/" + std::to_string(first) +
                         ", which comes from the same node (" + number_text(source.transfer_ms) +
                         ")");
    }
    problem.edges.push_back(edge);
  }
}

/// The nodes that no topological order reaches, which lie on cycles or behind them.
std::vector<bool> unordered_nodes(const PlacementProblem& problem) {
  const std::size_t num_nodes = problem.nodes.size();
  std::vector<std::size_t> begin(num_nodes + 1, 0);
  std::vector<std::size_t> num_missing(num_nodes, 0);
  for (const PlacementEdge& edge : problem.edges) {
    ++begin[edge.source + 1];
    ++num_missing[edge.target];
  }
  for (std::size_t v = 0; v < num_nodes; ++v) begin[v + 1] += begin[v];
  std::vector<std::size_t> targets(problem.edges.size());
  std::vector<std::size_t> next = begin;
  for (const PlacementEdge& edge : problem.edges) targets[next[edge.source]++] = edge.target;
  std::vector<std::size_t> ready;
  for (std::size_t v = 0; v < num_nodes; ++v)
    if (num_missing[v] == 0) ready.push_back(v);
  std::vector<bool> unordered(num_nodes, true);
  while (!ready.empty()) {
    const std::size_t v = ready.back();
    ready.pop_back();
    unordered[v] = false;
    for (std::size_t i = begin[v]; i < begin[v + 1]; ++i)
      if (--num_missing[targets[i]] == 0) ready.push_back(targets[i]);
  }
  return unordered;
}

void check_acyclic(const JsonPlace& place, const PlacementProblem& problem) {
  const std::vector<bool> unordered = unordered_nodes(problem);
  if (std::find(unordered.begin(), unordered.end(), true) == unordered.end()) return;
  // Each of them has an edge from another: going back along those comes to a cycle.
  std::vector<std::size_t> edge_into(problem.nodes.size(), std::string::npos);
  for (std::size_t e = 0; e < problem.edges.size(); ++e)
    if (unordered[problem.edges[e].source] && unordered[problem.edges[e].target])
      edge_into[problem.edges[e].target] = e;
  std::vector<bool> seen(problem.nodes.size(), false);
  std::size_t v = 0;
  while (!unordered[v]) ++v;
  while (!seen[v]) {
    seen[v] = true;
    v = problem.edges[edge_into[v]].source;
  }
  std::vector<std::string> ids;
  const std::size_t start = v;
  do {
    ids.push_back(std::to_string(problem.nodes[v].id));
    v = problem.edges[edge_into[v]].source;
  } while (v != start);
  std::reverse(ids.begin(), ids.end());
  refuse(place, "/edges/" + std::to_string(edge_into[start]),
         "expected edges without a cycle, found one through the nodes " + listed(ids));
}

void check_devices(const JsonPlace& place, const PlacementProblem& problem) {
  if (problem.num_cpus > 0) return;
  if (problem.num_accelerators == 0)
    refuse(place, "/maxFPGAs", "expected at least one device, found 0 and no CPU");
  for (std::size_t v = 0; v < problem.nodes.size(); ++v)
    if (!problem.nodes[v].runs_on_accelerator)
      refuse(place, "/nodes/" + std::to_string(v) + "/supportedOnFpga",
             "expected a node that accelerators support, as there is no CPU, found node " +
                 std::to_string(problem.nodes[v].id) + " that only a CPU can run");
}

}  // namespace

PlacementProblem placement_problem_from_json(const JsonPlace& place) {
  JsonObject object = place.object();
  PlacementProblem problem{
      .num_accelerators = object.at("maxFPGAs").integer(0, kMostDevices),
      .num_cpus = object.at("maxCPUs").integer(0, kMostDevices),
      .accelerator_bytes = object.at("maxSizePerFPGA").number(0, kMostBytes),
  };
  IndexOfId index_of;
  for (const JsonPlace& item : object.at("nodes").array(1)) {
    problem.nodes.push_back(read_node(item));
    const std::int64_t id = problem.nodes.back().id;
    const auto [first, is_new] = index_of.emplace(id, problem.nodes.size() - 1);
    if (!is_new)
      refuse(item, "/id",
             "expected an id used once, found " + std::to_string(id) + " again (first at /nodes/" +
                 std::to_string(first->second) + "/id)");
  }
  read_edges(object.at("edges"), index_of, problem);
  check_acyclic(place, problem);
  check_devices(place, problem);
  return problem;
}

PlacementProblem read_placement_problem(const std::filesystem::path& file) {
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  return placement_problem_from_json(JsonPlace(document, name, ""));
}

nlohmann::json to_json(const PlacementProblem& problem) {
  nlohmann::json nodes = nlohmann::json::array();
  for (const PlacementNode& node : problem.nodes) {
    nodes.push_back({{"id", node.id},
                     {"fpgaLatency", node.accelerator_ms},
                     {"cpuLatency", node.cpu_ms},
                     {"size", node.size_bytes},
                     {"isBackwardNode", node.is_backward},
                     {"supportedOnFpga", node.runs_on_accelerator}});
    if (node.color) nodes.back()["colorClass"] = *node.color;
  }
  nlohmann::json edges = nlohmann::json::array();
  for (const PlacementEdge& edge : problem.edges)
    edges.push_back({{"sourceId", problem.nodes[edge.source].id},
                     {"destId", problem.nodes[edge.target].id},
                     {"cost", problem.nodes[edge.source].transfer_ms}});
  return {{"maxSizePerFPGA", problem.accelerator_bytes},
          {"maxFPGAs", problem.num_accelerators},
          {"maxCPUs", problem.num_cpus},
          {"nodes", std::move(nodes)},
          {"edges", std::move(edges)}};
}

}  // namespace cadastre
