#pragma once

// Random models, profiles and clusters, small enough for brute force.

#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/support/worlds.h"

namespace cadastre::worlds {

struct World {
  Profile profile;
  Cluster cluster;
};

[[nodiscard]] inline double uniform(std::mt19937& random, double least, double most) {
  return least + (most - least) * static_cast<double>(random()) / 4294967296.0;
}

/// Linear layers, layer i reading `reads[i]` (-1: the model's input), and a sum of all ends.
[[nodiscard]] inline ModelGraph tree_model(const std::vector<int>& reads) {
  ModelGraph model{.name = "random", .inputs = {{.name = "x", .shape = {kFeatures}}}};
  std::set<std::string> ends;
  for (std::size_t i = 0; i < reads.size(); ++i) {
    const std::string input =
        reads[i] < 0 ? "x" : model.layers[static_cast<std::size_t>(reads[i])].id;
    ends.erase(input);
    model.layers.push_back({.id = "layer" + std::to_string(i),
                            .operation = Linear{.out_features = kFeatures, .bias = false},
                            .inputs = {input}});
    ends.insert(model.layers.back().id);
  }
  if (ends.size() > 1)
    model.layers.push_back({.id = "sum", .operation = Add{}, .inputs = {ends.begin(), ends.end()}});
  model.output = model.layers.back().id;
  return checked(std::move(model));
}

[[nodiscard]] inline ModelGraph random_model(std::mt19937& random, std::size_t num_layers) {
  std::vector<int> reads;
  for (std::size_t i = 0; i < num_layers; ++i)
    reads.push_back(static_cast<int>(random() % (i + 1)) - 1);
  return tree_model(reads);
}

/// Layers of every kind that matters to a plan: linear ones, and ones without parameters, some of
/// which have none before them, so that no gradient goes back to them. Each reads one to three of
/// the tensors before it; two model inputs, which several layers may read.
[[nodiscard]] inline ModelGraph random_dag(std::mt19937& random, std::size_t num_layers,
                                           std::int64_t features = kFeatures) {
  ModelGraph model{
      .name = "random",
      .inputs = {{.name = "x", .shape = {features}}, {.name = "y", .shape = {features}}}};
  std::vector<std::string> tensors = {"x", "y"};
  std::set<std::string> unread = {"x", "y"};
  const auto add = [&](Operation operation, const std::set<std::string>& inputs) {
    const std::string id = "layer" + std::to_string(model.layers.size());
    for (const std::string& input : inputs) unread.erase(input);
    model.layers.push_back(
        {.id = id, .operation = std::move(operation), .inputs = {inputs.begin(), inputs.end()}});
    tensors.push_back(id);
    unread.insert(id);
  };
  while (model.layers.size() < num_layers) {
    std::set<std::string> inputs;
    const std::size_t num_inputs = random() % 4 == 0 ? 2 + random() % 2 : 1;
    for (std::size_t k = 0; k < num_inputs; ++k) inputs.insert(tensors[random() % tensors.size()]);
    if (inputs.size() > 1)
      add(Add{}, inputs);
    else if (random() % 3 == 0)
      add(Relu{}, inputs);
    else
      add(Linear{.out_features = features, .bias = false}, inputs);
  }
  if (unread.size() > 1) add(Add{}, std::set<std::string>(unread));
  model.output = model.layers.back().id;
  return checked(std::move(model));
}

/// Convolutions of 256 channels, 2.25 MiB of parameters each, some followed by batch norm and by
/// what has no parameters.
[[nodiscard]] inline ModelGraph random_norm_chain(std::mt19937& random, std::size_t num_blocks) {
  constexpr std::int64_t kChannels = 256;
  ModelGraph model{.name = "random", .inputs = {{.name = "x", .shape = {kChannels, 2, 2}}}};
  std::string last = "x";
  const auto add = [&](Operation operation) {
    const std::string id = "layer" + std::to_string(model.layers.size());
    model.layers.push_back({.id = id, .operation = std::move(operation), .inputs = {last}});
    last = id;
  };
  for (std::size_t block = 0; block < num_blocks; ++block) {
    if (random() % 3 == 0) add(Relu{});
    add(Conv2d{.out_channels = kChannels, .kernel_size = 3, .padding = 1, .bias = false});
    if (random() % 2 == 0) add(BatchNorm2d{});
  }
  add(Flatten{});
  model.output = last;
  return checked(std::move(model));
}

/// Random costs for `model`, and `num_hosts` hosts, some alike; some short of memory, now and then
/// in two zones or with a cable between two.
[[nodiscard]] inline World random_world(std::mt19937& random, const ModelGraph& model,
                                        std::size_t num_hosts) {
  std::vector<double> forward_s;
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    forward_s.push_back(uniform(random, 0.001, 0.02));
  std::vector<double> speeds;
  for (std::size_t h = 0; h < num_hosts; ++h)
    speeds.push_back(random() % 2 == 0 ? 1 : uniform(random, 0.2, 2));
  World world{.profile = profile_of(model, forward_s), .cluster = hosts(speeds)};
  world.profile.optimizer_s_per_parameter_byte = 1e-9;
  world.profile.load_s_per_sample = 1e-4;
  world.profile.loss_s_per_sample = 1e-4;
  if (random() % 2 == 0)
    for (LayerProfile& layer : world.profile.layers) {
      // A fixed cost for each pass: large passes are cheaper by the sample.
      Measurement large = layer.measurements.front();
      large.batch_size = 4;
      large.forward_s *= uniform(random, 1.5, 4);
      large.backward_s *= uniform(random, 1.5, 4);
      layer.measurements.push_back(large);
    }
  Network& network = world.cluster.network;
  network.bandwidth_bytes_per_s = uniform(random, 1e5, 1e8);
  network.latency_s = uniform(random, 0, 1e-3);
  for (Host& host : world.cluster.hosts) {
    host.watts = uniform(random, 10, 300);
    host.price_per_hour = uniform(random, 0.1, 3);
    if (random() % 4 == 0)
      host.memory_bytes = 750'000 * (1 + static_cast<std::int64_t>(random() % 4)) +
                          static_cast<std::int64_t>(random() % 20) * 1000;
  }
  if (num_hosts > 2 && random() % 4 == 0)
    network.zones = {{.name = "far",
                      .hosts = {"node1", "node2"},
                      .bandwidth_bytes_per_s = uniform(random, 1e5, 1e7),
                      .latency_s = 1e-3}};
  if (num_hosts > 1 && random() % 4 == 0)
    network.direct_links = {{.from = "node1",
                             .to = "node2",
                             .bandwidth_bytes_per_s = uniform(random, 1e6, 1e9),
                             .latency_s = 1e-5}};
  return world;
}

/// A `random_world` whose hosts have links of their own, in up to three zones, with cables, a cost
/// of adding gradients, slow loading, and some layers that take no time.
[[nodiscard]] inline World uneven_world(std::mt19937& random, const ModelGraph& model,
                                        std::size_t num_hosts) {
  World world = random_world(random, model, num_hosts);
  for (LayerProfile& layer : world.profile.layers)
    if (random() % 6 == 0)
      for (Measurement& measurement : layer.measurements)
        measurement.forward_s = measurement.backward_s = 0;
  if (random() % 2 == 0) world.profile.load_s_per_sample = uniform(random, 0, 0.01);
  if (random() % 2 == 0) {
    world.profile.load_s_per_micro_batch = uniform(random, 0, 0.02);
    world.profile.loss_s_per_micro_batch = uniform(random, 0, 0.005);
  }
  Network& network = world.cluster.network;
  if (random() % 3 == 0) network.reduction_s_per_byte = uniform(random, 0, 1e-8);
  for (Host& host : world.cluster.hosts) {
    if (random() % 3 == 0) host.bandwidth_bytes_per_s = uniform(random, 5e4, 1e7);
    if (random() % 4 == 0) host.latency_s = uniform(random, 0, 5e-3);
  }
  if (random() % 2 == 0) {
    network.zones.clear();
    std::vector<std::vector<std::string>> hosts(4);
    for (const Host& host : world.cluster.hosts) hosts[random() % 4].push_back(host.name);
    for (std::size_t z = 1; z < hosts.size(); ++z)
      if (!hosts[z].empty())
        network.zones.push_back({.name = "zone" + std::to_string(z),
                                 .hosts = hosts[z],
                                 .bandwidth_bytes_per_s = uniform(random, 5e4, 1e7),
                                 .latency_s = uniform(random, 0, 2e-3)});
  }
  return world;
}

}  // namespace cadastre::worlds
