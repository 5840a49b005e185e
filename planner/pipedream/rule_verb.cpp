#include "planner/pipedream/rule_verb.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/pipedream/graph_file.h"
#include "planner/pipedream/rule.h"
#include "planner/table.h"

namespace cadastre::pipedream {

namespace {

/// A stage of the innermost level, and how often it is replicated at each level.
struct Leaf {
  std::vector<int> nodes;
  std::vector<int> num_machines;  ///< innermost first

  [[nodiscard]] std::int64_t total_machines() const {
    std::int64_t product = 1;
    for (const int m : num_machines) product *= m;
    return product;
  }
};

void collect_leaves(const std::vector<RuleStage>& stages, const std::vector<int>& outer,
                    std::vector<Leaf>& leaves) {
  for (const RuleStage& stage : stages) {
    std::vector<int> num_machines = {stage.num_machines};
    num_machines.insert(num_machines.end(), outer.begin(), outer.end());
    if (stage.stages.empty())
      leaves.push_back({.nodes = stage.nodes, .num_machines = std::move(num_machines)});
    else
      collect_leaves(stage.stages, num_machines, leaves);
  }
}

/// Puts the nodes into an order in which each comes after what it reads; a file's often is not one.
void sort_nodes(const WeightedGraph& graph, std::vector<Leaf>& leaves) {
  const std::vector<int> order = topological_order(graph);
  std::vector<int> position(order.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    position[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
  for (Leaf& leaf : leaves)
    std::sort(leaf.nodes.begin(), leaf.nodes.end(), [&](int a, int b) {
      return position[static_cast<std::size_t>(a)] < position[static_cast<std::size_t>(b)];
    });
}

WeightedGraph::Node sum_of(const WeightedGraph& graph, const std::vector<int>& nodes) {
  WeightedGraph::Node sum;
  for (const int node : nodes) {
    sum.compute_s += graph.nodes[static_cast<std::size_t>(node)].compute_s;
    sum.parameter_bytes += graph.nodes[static_cast<std::size_t>(node)].parameter_bytes;
  }
  return sum;
}

nlohmann::json result_json(const GraphFile& file, const WeightedGraph& graph,
                           const RuleResult& result, const std::vector<Leaf>& leaves) {
  nlohmann::json stages = nlohmann::json::array();
  for (const Leaf& leaf : leaves) {
    nlohmann::json nodes = nlohmann::json::array();
    for (const int node : leaf.nodes)
      nodes.push_back(file.nodes[static_cast<std::size_t>(node)].id);
    const WeightedGraph::Node sum = sum_of(graph, leaf.nodes);
    stages.push_back({{"nodes", std::move(nodes)},
                      {"machines", leaf.total_machines()},
                      {"machines_by_level", leaf.num_machines},
                      {"compute_s", sum.compute_s},
                      {"parameter_bytes", sum.parameter_bytes}});
  }
  return {{"pipeline_s", result.pipeline_s},
          {"lower_bound_s", result.lower_bound_s},
          {"proven_optimal", result.proven_optimal},
          {"single_machine_s", result.single_machine_s},
          {"search_s", result.search_s},
          {"num_cuts", result.num_cuts},
          {"stages", std::move(stages)}};
}

std::string summary(const GraphFile& file, const WeightedGraph& graph, const RuleResult& result,
                    const std::vector<Leaf>& leaves) {
  constexpr double kMilli = 1e3;
  constexpr double kMega = 1e6;
  std::vector<std::vector<std::string>> rows = {
      {"stage", "nodes", "machines", "compute ms", "parameters MB"}};
  for (const Leaf& leaf : leaves) {
    const std::vector<int>& nodes = leaf.nodes;
    const WeightedGraph::Node sum = sum_of(graph, nodes);
    std::string name = file.nodes[static_cast<std::size_t>(nodes.front())].id;
    if (nodes.size() > 1) {
      name += " … ";
      name += file.nodes[static_cast<std::size_t>(nodes.back())].id;
    }
    rows.push_back({name, std::to_string(nodes.size()), std::to_string(leaf.total_machines()),
                    fixed(sum.compute_s * kMilli, 3), fixed(sum.parameter_bytes / kMega, 3)});
  }
  std::string text = text_table(rows);
  text += "\na mini-batch every " + fixed(result.pipeline_s * kMilli, 3) +
          " ms (one machine: " + fixed(result.single_machine_s * kMilli, 3) + " ms)";
  text += result.proven_optimal
              ? ", proven best by PipeDream's model, "
              : ", lower bound " + fixed(result.lower_bound_s * kMilli, 3) + " ms, ";
  text += "searched in " + fixed(result.search_s * kMilli, 3) + " ms\n";
  return text;
}

}  // namespace

std::function<void()> add_rule_options(CLI::App& plan,
                                       const std::shared_ptr<RuleRequest>& request) {
  const std::vector<CLI::Option*> others = plan.get_options();
  const std::string group = "PipeDream's own rule (instead of --profile and its kin)";
  CLI::Option* graph =
      plan.add_option("--pipedream-profile", request->graph,
                      "A graph.txt of PipeDream's profiler: plan it by PipeDream's rule (compute "
                      "and gradient synchronisation; activations move for free), exactly")
          ->group(group);
  constexpr std::int64_t kMostMachines = 1024;
  CLI::Option* machines =
      plan.add_option("--machines", request->num_machines,
                      "Machines at each level, the innermost first: 4,4 is 4 machines of 4 GPUs, "
                      "GPUs first")
          ->delimiter(',')
          ->check(integer_from(1, kMostMachines))
          ->needs(graph)
          ->group(group);
  constexpr double kMostBytesPerSecond = 1e15;
  CLI::Option* bandwidth =
      plan.add_option("--bandwidth", request->bandwidth_bytes_per_s,
                      "Bytes per second among the machines of each level, the innermost first: "
                      "16e9,1.25e9")
          ->delimiter(',')
          ->check(number_from(1, kMostBytesPerSecond))
          ->needs(graph)
          ->group(group);

  std::vector<CLI::Option*> required;
  const std::vector<std::string> shared = {"help", "json", "quiet", "output", "time-limit"};
  for (CLI::Option* option : others) {
    const std::vector<std::string>& names = option->get_lnames();
    const bool is_shared = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return std::find(shared.begin(), shared.end(), name) != shared.end();
    });
    if (is_shared) continue;
    graph->excludes(option);
    if (option->get_required()) required.push_back(option);
    option->required(false);
  }
  return [graph, machines, bandwidth, required] {
    const std::vector<CLI::Option*> by_rule = {machines, bandwidth};
    for (const CLI::Option* option : graph->count() > 0 ? by_rule : required)
      if (option->count() == 0) throw CLI::RequiredError(option->get_name());
  };
}

void run_rule(const RuleRequest& request, double time_limit_s, const std::filesystem::path& output,
              const VerbOptions& options) {
  if (request.num_machines.size() != request.bandwidth_bytes_per_s.size())
    throw InputError("", "",
                     "expected " + std::to_string(request.num_machines.size()) +
                         " of --bandwidth, one for each level of --machines, found " +
                         std::to_string(request.bandwidth_bytes_per_s.size()));
  constexpr std::size_t kMostLevels = 4;
  if (request.num_machines.size() > kMostLevels)
    throw InputError("", "",
                     "expected at most " + std::to_string(kMostLevels) +
                         " levels of --machines, found " +
                         std::to_string(request.num_machines.size()));
  std::vector<MachineLevel> levels;
  for (std::size_t l = 0; l < request.num_machines.size(); ++l)
    levels.push_back({.num_machines = request.num_machines[l],
                      .bandwidth_bytes_per_s = request.bandwidth_bytes_per_s[l]});

  const GraphFile file = read_graph_file(request.graph);
  const WeightedGraph graph = weighted_graph(file);
  const RuleResult result = apply_rule(graph, levels, {.time_limit_s = time_limit_s});
  std::vector<Leaf> leaves;
  collect_leaves(result.stages, {}, leaves);
  sort_nodes(graph, leaves);
  const nlohmann::json document = result_json(file, graph, result, leaves);
  if (!output.empty()) write_file(output, json_text(document));
  print_result(options, document, summary(file, graph, result, leaves));
}

}  // namespace cadastre::pipedream
