#include "planner/checkpoint_cost.h"

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "planner/optimizer.h"
#include "planner/routes.h"

namespace cadastre {

namespace {

/// [stage] bytes of its weights and their optimizer's state; no gradients, which a step begins
/// without.
std::vector<std::int64_t> state_bytes(const Plan& plan, const Profile& profile) {
  std::unordered_map<std::string, std::int64_t> of_layer;
  for (const LayerProfile& layer : profile.layers) of_layer[layer.layer] = layer.parameter_bytes;
  const std::int64_t copies = copies_of_parameters(plan.optimizer) - 1;
  std::vector<std::int64_t> bytes;
  for (const Stage& stage : plan.stages) {
    bytes.push_back(0);
    for (const std::string& layer : stage.layers) bytes.back() += copies * of_layer.at(layer);
  }
  return bytes;
}

/// Seconds to move so many bytes between the hosts of rank 0, the first replica of the first stage,
/// and another, one after the other.
double moving_s(const Plan& plan, const Cluster& cluster,
                const std::map<std::string, std::int64_t>& bytes_of_host, bool from_first) {
  const Routes routes(cluster, Routes::Table::kNone);
  const int first = host_index(cluster, plan.stages.front().replicas.front().host);
  double seconds = 0;
  for (const auto& [name, bytes] : bytes_of_host) {
    const int other = host_index(cluster, name);
    if (other == first || bytes == 0) continue;
    const Way way = from_first ? routes.way(first, other) : routes.way(other, first);
    seconds += way.latency_s + static_cast<double>(bytes) / way.bandwidth_bytes_per_s;
  }
  return seconds;
}

}  // namespace

CheckpointCost checkpoint_cost(const Plan& plan, const Profile& profile, const Cluster& cluster) {
  const std::vector<std::int64_t> bytes = state_bytes(plan, profile);
  std::map<std::string, std::int64_t> of_host;
  CheckpointCost cost;
  for (std::size_t s = 0; s < plan.stages.size(); ++s) {
    of_host[plan.stages[s].replicas.front().host] += bytes[s];
    cost.bytes += bytes[s];
  }
  for (const auto& [host, of_this] : of_host)
    cost.copy_s = std::max(cost.copy_s, static_cast<double>(of_this) / kCheckpointCopyBytesPerS);
  cost.send_s = moving_s(plan, cluster, of_host, false);
  return cost;
}

double reload_s(const Plan& plan, const Profile& profile, const Cluster& cluster) {
  const std::vector<std::int64_t> bytes = state_bytes(plan, profile);
  std::map<std::string, std::int64_t> of_host;
  for (std::size_t s = 0; s < plan.stages.size(); ++s)
    for (const Replica& replica : plan.stages[s].replicas) of_host[replica.host] += bytes[s];
  return moving_s(plan, cluster, of_host, true);
}

double plan_mtbf_s(const Plan& plan, const Cluster& cluster) {
  std::map<std::string, double> least_of;  // by machine, or host with one of its own
  const auto add = [&](const std::string& name) {
    const Host& host = cluster.hosts[static_cast<std::size_t>(host_index(cluster, name))];
    const bool alone = host.machine.empty();
    const std::string key = (alone ? "host " : "machine ") + (alone ? host.name : host.machine);
    const auto [known, is_new] = least_of.emplace(key, host_mtbf_s(host));
    if (!is_new) known->second = std::min(known->second, host_mtbf_s(host));
  };
  for (const Stage& stage : plan.stages)
    for (const Replica& replica : stage.replicas) add(replica.host);
  if (!plan.all_reduce.root.empty()) add(plan.all_reduce.root);
  double failures_per_s = 0;
  for (const auto& [name, mtbf_s] : least_of) failures_per_s += 1 / mtbf_s;
  return 1 / failures_per_s;
}

}  // namespace cadastre
