#include "planner/division.h"

#include <algorithm>
#include <map>

namespace cadastre {

namespace {

/// Hosts of one machine are together where some share one, otherwise those of one zone; one in none
/// is by itself.
std::vector<int> host_groups(const Cluster& cluster) {
  std::vector<int> groups = host_machines(cluster);
  auto next = static_cast<int>(cluster.machines.size());
  if (std::all_of(groups.begin(), groups.end(), [](int machine) { return machine < 0; })) {
    groups = host_zones(cluster);
    next = static_cast<int>(cluster.network.zones.size());
  }
  for (int& group : groups)
    if (group < 0) group = next++;
  return groups;
}

}  // namespace

DividedAllReduce divided(const AllReduce& all_reduce, const Cluster& cluster) {
  DividedAllReduce divided{.algorithm = all_reduce.algorithm, .host_groups = {}};
  if (!all_reduce.root.empty()) divided.root_host = host_index(cluster, all_reduce.root);
  if (all_reduce.algorithm == AllReduceAlgorithm::kHierarchical)
    divided.host_groups = host_groups(cluster);
  return divided;
}

CollectiveShape collective_shape(const DividedAllReduce& all_reduce,
                                 const std::vector<int>& hosts) {
  CollectiveShape shape{
      .algorithm = all_reduce.algorithm, .num_ranks = static_cast<int>(hosts.size()), .groups = {}};
  if (all_reduce.root_host >= 0)
    shape.root = static_cast<int>(std::find(hosts.begin(), hosts.end(), all_reduce.root_host) -
                                  hosts.begin());
  if (!all_reduce.host_groups.empty())
    for (const int host : hosts)
      shape.groups.push_back(all_reduce.host_groups[static_cast<std::size_t>(host)]);
  return shape;
}

Division division_of(const Plan& plan, const ModelGraph& model, const Cluster& cluster) {
  std::map<std::string, int> layers;
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    layers[model.layers[i].id] = static_cast<int>(i);
  std::map<std::string, int> hosts;
  for (std::size_t h = 0; h < cluster.hosts.size(); ++h)
    hosts[cluster.hosts[h].name] = static_cast<int>(h);

  Division division{.stage_of_layer = std::vector<int>(model.layers.size(), 0),
                    .stages = {},
                    .batch_size = plan.batch_size,
                    .micro_batches = plan.micro_batches,
                    .schedule = plan.schedule,
                    .averaging_period = plan.averaging_period,
                    .all_reduce = divided(plan.all_reduce, cluster),
                    .wire_dtype = plan.wire_dtype};
  for (const Stage& stage : plan.stages) {
    for (const std::string& id : stage.layers)
      division.stage_of_layer[static_cast<std::size_t>(layers.at(id))] =
          static_cast<int>(division.stages.size());
    DividedStage& divided = division.stages.emplace_back();
    divided.recompute = stage.recompute;
    divided.forward_s = stage.forward_s;
    divided.backward_s = stage.backward_s;
    for (const Replica& replica : stage.replicas) {
      divided.hosts.push_back(hosts.at(replica.host));
      divided.shares.push_back(replica.share);
    }
  }
  return division;
}

Plan plan_of(const Division& division, const std::string& strategy, const ModelGraph& model,
             const Cluster& cluster) {
  Plan plan{.strategy = strategy,
            .batch_size = division.batch_size,
            .micro_batches = division.micro_batches,
            .schedule = division.schedule,
            .averaging_period = division.averaging_period,
            .all_reduce = {.algorithm = division.all_reduce.algorithm, .root = {}},
            .wire_dtype = division.wire_dtype,
            .stages = std::vector<Stage>(division.stages.size()),
            .predicted = {},
            .simulated_step_s = {}};
  if (const int root = division.all_reduce.root_host; root >= 0)
    plan.all_reduce.root = cluster.hosts[static_cast<std::size_t>(root)].name;
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    plan.stages[static_cast<std::size_t>(division.stage_of_layer[i])].layers.push_back(
        model.layers[i].id);
  for (std::size_t s = 0; s < plan.stages.size(); ++s) {
    const DividedStage& divided = division.stages[s];
    plan.stages[s].recompute = divided.recompute;
    plan.stages[s].forward_s = divided.forward_s;
    plan.stages[s].backward_s = divided.backward_s;
    for (std::size_t r = 0; r < divided.hosts.size(); ++r)
      plan.stages[s].replicas.push_back(
          {.host = cluster.hosts[static_cast<std::size_t>(divided.hosts[r])].name,
           .share = divided.shares[r]});
  }
  return plan;
}

}  // namespace cadastre
