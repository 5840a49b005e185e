#pragma once

// Tiny worlds for tests, each in one line: `chain({1, 2, 3})`, `two_hosts()`.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "planner/json_reader.h"
#include "planner/plan.h"

namespace cadastre::worlds {

/// `model` in topological order with its shapes.
[[nodiscard]] inline ModelGraph checked(ModelGraph model) {
  const std::string file = "world";
  const nlohmann::json document = to_json(model);
  check_model(model, JsonPlace(document, file, ""));
  return model;
}

/// Features of every tensor in these worlds: 1,000 bytes per sample.
inline constexpr std::int64_t kFeatures = 250;

/// `x -> layer0 -> layer1 -> …`, each a linear layer without bias: 1,000 bytes of activation per
/// sample, 250,000 bytes of parameters.
[[nodiscard]] inline ModelGraph chain_model(std::size_t num_layers) {
  ModelGraph model{.name = "chain", .inputs = {{.name = "x", .shape = {kFeatures}}}};
  for (std::size_t i = 0; i < num_layers; ++i)
    model.layers.push_back({.id = "layer" + std::to_string(i),
                            .operation = Linear{.out_features = kFeatures, .bias = false},
                            .inputs = {i == 0 ? "x" : model.layers.back().id},
                            .output_shape = {}});
  model.output = model.layers.back().id;
  return checked(std::move(model));
}

/// The same with 4 MiB of parameters a layer, which fill a bucket of their own: 4,096 bytes of
/// activation per sample.
[[nodiscard]] inline ModelGraph wide_chain_model(std::size_t num_layers) {
  constexpr std::int64_t kWideFeatures = 1024;
  ModelGraph model = chain_model(num_layers);
  model.inputs[0].shape = {kWideFeatures};
  for (Layer& layer : model.layers)
    layer.operation = Linear{.out_features = kWideFeatures, .bias = false};
  return checked(std::move(model));
}

/// Two branches, `a0 -> a1` and `b0 -> b1`, each from its own input, that `join` (add) unites and
/// `head` classifies. `join` has no parameters.
[[nodiscard]] inline ModelGraph two_branch_model() {
  const auto linear = [](std::string id, std::string input) {
    return Layer{.id = std::move(id),
                 .operation = Linear{.out_features = kFeatures, .bias = false},
                 .inputs = {std::move(input)},
                 .output_shape = {}};
  };
  return checked(
      {.name = "two-branch",
       .inputs = {{.name = "a", .shape = {kFeatures}}, {.name = "b", .shape = {kFeatures}}},
       .layers = {linear("a0", "a"), linear("a1", "a0"), linear("b0", "b"), linear("b1", "b0"),
                  Layer{
                      .id = "join", .operation = Add{}, .inputs = {"a1", "b1"}, .output_shape = {}},
                  linear("head", "join")},
       .output = "head"});
}

/// A profile in which layer i takes `forward_s[i]` seconds forward and twice that backward, per
/// sample, in exact proportion to samples; loading, loss and optimizer take no time.
[[nodiscard]] inline Profile profile_of(ModelGraph model, const std::vector<double>& forward_s) {
  Profile profile{.device = "test", .model = std::move(model)};
  for (std::size_t i = 0; i < profile.model.layers.size(); ++i) {
    const Layer& layer = profile.model.layers[i];
    const std::int64_t activation_bytes = num_elements(layer.output_shape) * kBytesPerElement;
    profile.layers.push_back({.layer = layer.id,
                              .measurements = {{.batch_size = 1,
                                                .forward_s = forward_s.at(i),
                                                .backward_s = 2 * forward_s.at(i)}},
                              .activation_bytes_per_sample = activation_bytes,
                              .saved_bytes_per_sample = activation_bytes,
                              .parameter_bytes = parameter_bytes(profile.model, layer)});
  }
  return profile;
}

/// The profile of a chain of layers that take these seconds forward per sample.
[[nodiscard]] inline Profile chain(const std::vector<double>& forward_s) {
  return profile_of(chain_model(forward_s.size()), forward_s);
}

/// The profile of `two_branch_model`: seconds of a0, a1, b0, b1, join, head.
[[nodiscard]] inline Profile two_branches(const std::vector<double>& forward_s) {
  return profile_of(two_branch_model(), forward_s);
}

/// Hosts node1, node2, … of these speeds, 1 GB each, on links of 1 MB/s without latency: 1,000
/// bytes take a millisecond.
[[nodiscard]] inline Cluster hosts(const std::vector<double>& relative_speeds) {
  Cluster cluster{.name = "test",
                  .description = "",
                  .hosts = {},
                  .network = {.bandwidth_bytes_per_s = 1e6, .latency_s = 0, .direct_links = {}}};
  for (const double speed : relative_speeds)
    cluster.hosts.push_back({.name = "node" + std::to_string(cluster.hosts.size() + 1),
                             .relative_speed = speed,
                             .memory_bytes = 1'000'000'000});
  return cluster;
}

[[nodiscard]] inline Cluster two_hosts() { return hosts({1, 1}); }

/// A pipeline of consecutive layers: `layers_per_stage[s]` of them on host s.
[[nodiscard]] inline Plan pipeline(const ModelGraph& model, const Cluster& cluster,
                                   const std::vector<std::size_t>& layers_per_stage,
                                   std::int64_t batch_size, std::int64_t micro_batches,
                                   Schedule schedule = Schedule::kGpipe) {
  Plan plan{.strategy = "pipeline",
            .batch_size = batch_size,
            .micro_batches = micro_batches,
            .schedule = schedule};
  std::size_t next = 0;
  for (std::size_t s = 0; s < layers_per_stage.size(); ++s) {
    Stage stage{.layers = {}, .replicas = {{.host = cluster.hosts.at(s).name, .share = 1}}};
    for (std::size_t k = 0; k < layers_per_stage[s]; ++k)
      stage.layers.push_back(model.layers.at(next++).id);
    plan.stages.push_back(std::move(stage));
  }
  return plan;
}

/// All layers on every host, in these shares.
[[nodiscard]] inline Plan data_parallel(const ModelGraph& model, const Cluster& cluster,
                                        const std::vector<double>& shares, std::int64_t batch_size,
                                        std::int64_t micro_batches = 1) {
  Plan plan{.strategy = "data-parallel", .batch_size = batch_size, .micro_batches = micro_batches};
  Stage stage;
  for (const Layer& layer : model.layers) stage.layers.push_back(layer.id);
  for (std::size_t i = 0; i < shares.size(); ++i)
    stage.replicas.push_back({.host = cluster.hosts.at(i).name, .share = shares[i]});
  plan.stages.push_back(std::move(stage));
  return plan;
}

/// A plan document of two layers in a pipeline over two hosts, sound in every part.
[[nodiscard]] inline PlanDocument two_stage_document() {
  PlanDocument document{.profile = chain({1, 2}), .cluster = two_hosts()};
  document.plan = pipeline(document.profile.model, document.cluster, {1, 1}, 4, 2);
  document.plan.predicted = {.step_s = 1.5,
                             .traffic_bytes_per_step = 8000,
                             .peak_memory_bytes = 500000,
                             .fits_memory = true,
                             .hosts = {{.host = "node1", .compute_s = 1, .sent_bytes = 4000},
                                       {.host = "node2", .waiting_s = 0.25, .reduction_s = 0.1}}};
  document.plan.simulated_step_s = 1.625;
  document.search = {
      .value = 1.5, .bound = 1.25, .optimality_gap = 0.1, .search_s = 0.01, .num_evaluated = 42};
  document.alternatives = {
      data_parallel(document.profile.model, document.cluster, {0.75, 0.25}, 4)};
  return document;
}

}  // namespace cadastre::worlds
