#include "planner/strategies.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

#include "planner/prediction.h"

namespace cadastre {

namespace {

std::vector<std::string> all_layers(const ModelGraph& model) {
  std::vector<std::string> ids;
  for (const Layer& layer : model.layers) ids.push_back(layer.id);
  return ids;
}

/// Host indices, fastest first.
std::vector<int> hosts_by_speed(const Cluster& cluster) {
  std::vector<int> hosts(cluster.hosts.size());
  std::iota(hosts.begin(), hosts.end(), 0);
  std::stable_sort(hosts.begin(), hosts.end(), [&](int a, int b) {
    return cluster.hosts[static_cast<std::size_t>(a)].relative_speed >
           cluster.hosts[static_cast<std::size_t>(b)].relative_speed;
  });
  return hosts;
}

std::vector<Stage> data_parallel(const Profile& profile, const Cluster& cluster) {
  if (cluster.hosts.size() < 2) return {};
  std::vector<int> hosts(cluster.hosts.size());
  std::iota(hosts.begin(), hosts.end(), 0);
  return {{.layers = all_layers(profile.model), .replicas = replicas_by_speed(cluster, hosts)}};
}

/// For each layer the one model input it depends on, or -1 for those that several meet in.
std::vector<int> branch_of_layers(const ModelGraph& model) {
  std::vector<std::set<int>> inputs(model.layers.size());
  std::vector<int> branches(model.layers.size());
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    for (const Source& source : sources[i]) {
      if (source.is_model_input)
        inputs[i].insert(source.index);
      else
        inputs[i].insert(inputs[static_cast<std::size_t>(source.index)].begin(),
                         inputs[static_cast<std::size_t>(source.index)].end());
    }
    branches[i] = inputs[i].size() == 1 ? *inputs[i].begin() : -1;
  }
  return branches;
}

double work_s(const LayerProfile& layer) {
  const LayerCost cost = layer_cost(layer, layer.measurements.back().batch_size);
  return cost.forward_s + cost.backward_s;
}

std::vector<Stage> branches(const Profile& profile, const Cluster& cluster) {
  const ModelGraph& model = profile.model;
  if (model.inputs.size() < 2 || cluster.hosts.size() < 2) return {};
  const std::vector<int> branch_of = branch_of_layers(model);
  std::vector<double> branch_s(model.inputs.size(), 0);
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    if (branch_of[i] >= 0)
      branch_s[static_cast<std::size_t>(branch_of[i])] += work_s(profile.layers[i]);

  std::vector<std::size_t> heaviest_first(branch_s.size());
  std::iota(heaviest_first.begin(), heaviest_first.end(), std::size_t{0});
  std::stable_sort(heaviest_first.begin(), heaviest_first.end(),
                   [&](std::size_t a, std::size_t b) { return branch_s[a] > branch_s[b]; });
  const std::vector<int> hosts = hosts_by_speed(cluster);
  std::vector<double> load_s(hosts.size(), 0);
  std::vector<std::size_t> place_of_branch(branch_s.size());
  for (const std::size_t branch : heaviest_first) {
    std::size_t best = 0;
    const auto loaded_s = [&](std::size_t place) {
      return (load_s[place] + branch_s[branch]) /
             cluster.hosts[static_cast<std::size_t>(hosts[place])].relative_speed;
    };
    for (std::size_t place = 1; place < hosts.size(); ++place)
      if (loaded_s(place) < loaded_s(best)) best = place;
    load_s[best] += branch_s[branch];
    place_of_branch[branch] = best;
  }

  // The stage with the meeting point comes last: every other stage feeds it.
  const std::size_t trunk_place = place_of_branch[heaviest_first.front()];
  std::vector<Stage> stages;
  for (std::size_t place = hosts.size(); place-- > 0;) {
    Stage stage{.layers = {}, .replicas = replicas_by_speed(cluster, {hosts[place]})};
    for (std::size_t i = 0; i < model.layers.size(); ++i) {
      const std::size_t at =
          branch_of[i] < 0 ? trunk_place : place_of_branch[static_cast<std::size_t>(branch_of[i])];
      if (at == place) stage.layers.push_back(model.layers[i].id);
    }
    if (stage.layers.empty()) continue;
    if (place == trunk_place)
      stages.push_back(stage);
    else
      stages.insert(stages.begin(), stage);
  }
  return stages;
}

std::vector<Stage> equal_layers(const Profile& profile, const Cluster& cluster) {
  const std::size_t num_layers = profile.model.layers.size();
  const std::size_t num_stages = std::min(cluster.hosts.size(), num_layers);
  if (num_stages < 2) return {};
  std::vector<Stage> stages;
  for (std::size_t s = 0; s < num_stages; ++s) {
    Stage stage{.layers = {}, .replicas = replicas_by_speed(cluster, {static_cast<int>(s)})};
    for (std::size_t i = s * num_layers / num_stages; i < (s + 1) * num_layers / num_stages; ++i)
      stage.layers.push_back(profile.model.layers[i].id);
    stages.push_back(std::move(stage));
  }
  return stages;
}

}  // namespace

const std::vector<std::string>& baseline_names() {
  static const std::vector<std::string> names = {"single", "data-parallel", "branch", "pipeline"};
  return names;
}

std::vector<Replica> replicas_by_speed(const Cluster& cluster, const std::vector<int>& hosts) {
  double sum = 0;
  for (const int host : hosts) sum += cluster.hosts[static_cast<std::size_t>(host)].relative_speed;
  std::vector<Replica> replicas;
  for (const int index : hosts) {
    const Host& host = cluster.hosts[static_cast<std::size_t>(index)];
    replicas.push_back({.host = host.name, .share = host.relative_speed / sum});
  }
  return replicas;
}

std::vector<Stage> baseline_stages(const std::string& name, const Profile& profile,
                                   const Cluster& cluster) {
  if (name == "single")
    return {{.layers = all_layers(profile.model),
             .replicas = replicas_by_speed(cluster, {hosts_by_speed(cluster).front()})}};
  if (name == "data-parallel") return data_parallel(profile, cluster);
  if (name == "branch") return branches(profile, cluster);
  if (name == "pipeline") return equal_layers(profile, cluster);
  return {};
}

std::vector<std::int64_t> micro_batch_choices(std::int64_t batch_size, std::int64_t granularity) {
  constexpr std::int64_t kMost = 64;
  const std::int64_t num_groups = batch_size / granularity;
  std::vector<std::int64_t> choices;
  for (std::int64_t m = 1; m <= std::min(num_groups, kMost); ++m)
    if (num_groups % m == 0) choices.push_back(m);
  return choices;
}

Plan best_setting(const std::string& strategy, const std::vector<Stage>& stages,
                  std::int64_t batch_size, const std::vector<std::int64_t>& micro_batches,
                  const Profile& profile, const Cluster& cluster) {
  std::optional<Plan> best;
  // 1F1B first: where both take as long, it is the one that holds less in memory.
  for (const Schedule schedule : {Schedule::kOneForwardOneBackward, Schedule::kGpipe}) {
    for (const std::int64_t count : micro_batches) {
      Plan plan{.strategy = strategy,
                .batch_size = batch_size,
                .micro_batches = count,
                .schedule = schedule,
                .stages = stages,
                .predicted = {},
                .simulated_step_s = {}};
      plan.predicted = predict(plan, profile, cluster);
      const auto worse_than = [](const Plan& a, const Plan& b) {
        if (a.predicted.fits_memory != b.predicted.fits_memory) return b.predicted.fits_memory;
        constexpr double kTie = 1e-9;
        return a.predicted.step_s > b.predicted.step_s * (1 + kTie);
      };
      if (!best || worse_than(*best, plan)) best = std::move(plan);
    }
  }
  return *best;
}

}  // namespace cadastre
