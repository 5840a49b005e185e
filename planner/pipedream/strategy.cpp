#include "planner/pipedream/strategy.h"

#include <algorithm>
#include <numeric>

#include "planner/pipedream/rule.h"

namespace cadastre::pipedream {

namespace {

std::size_t index(int number) { return static_cast<std::size_t>(number); }

WeightedGraph weighted_graph(const Profile& profile, double speed) {
  const std::vector<std::vector<Source>> sources = layer_sources(profile.model);
  WeightedGraph graph;
  for (std::size_t i = 0; i < profile.layers.size(); ++i) {
    const LayerProfile& layer = profile.layers[i];
    const LayerCost cost = layer_cost(layer, layer.measurements.back().batch_size);
    graph.nodes.push_back({.compute_s = (cost.forward_s + cost.backward_s) / speed,
                           .parameter_bytes = static_cast<double>(layer.parameter_bytes)});
    std::vector<int> inputs;
    for (const Source& source : sources[i])
      if (!source.is_model_input) inputs.push_back(source.index);
    graph.predecessors.push_back(std::move(inputs));
  }
  return graph;
}

/// The indices of `values`, greatest value first.
std::vector<int> descending(const std::vector<double>& values) {
  std::vector<int> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return values[index(a)] > values[index(b)]; });
  return order;
}

}  // namespace

std::optional<Draft> pipedream_draft(const Profile& profile, const Cluster& cluster) {
  const std::size_t num_hosts = cluster.hosts.size();
  if (num_hosts < 2) return std::nullopt;
  std::vector<double> speeds;
  double bandwidth_bytes_per_s = 0;
  for (const Host& host : cluster.hosts) {
    speeds.push_back(host.relative_speed);
    bandwidth_bytes_per_s +=
        host.bandwidth_bytes_per_s.value_or(cluster.network.bandwidth_bytes_per_s);
  }
  const auto count = static_cast<double>(num_hosts);
  const WeightedGraph graph =
      weighted_graph(profile, std::accumulate(speeds.begin(), speeds.end(), 0.0) / count);
  const std::vector<RuleStage> divided =
      apply_rule(graph,
                 {{.num_machines = static_cast<int>(num_hosts),
                   .bandwidth_bytes_per_s = bandwidth_bytes_per_s / count}},
                 {})
          .stages;

  std::vector<double> work_s;  // a machine
  for (const RuleStage& stage : divided) {
    double sum_s = 0;
    for (const int node : stage.nodes) sum_s += graph.nodes[index(node)].compute_s;
    work_s.push_back(sum_s / stage.num_machines);
  }
  const std::vector<int> fastest_first = descending(speeds);
  std::size_t num_dealt = 0;
  Draft draft{.stage_of_layer = std::vector<int>(profile.model.layers.size(), 0),
              .stage_hosts = std::vector<std::vector<int>>(divided.size())};
  for (const int s : descending(work_s)) {
    std::vector<int>& hosts = draft.stage_hosts[index(s)];
    for (int m = 0; m < divided[index(s)].num_machines; ++m)
      hosts.push_back(fastest_first[num_dealt++]);
    std::sort(hosts.begin(), hosts.end());
    for (const int node : divided[index(s)].nodes) draft.stage_of_layer[index(node)] = s;
  }
  return draft;
}

}  // namespace cadastre::pipedream
