#include "planner/search.h"

#include <algorithm>
#include <functional>
#include <random>
#include <set>

#include "planner/cost_model.h"
#include "planner/planner.h"
#include "planner/strategies.h"
#include "tests/support/catch.h"
#include "tests/support/worlds.h"

using namespace cadastre;
using namespace cadastre::worlds;

namespace {

/// Every plan there is, the slow way: each layer on one of the stages, each stage on a set of hosts
/// of its own, in every order of stages in which no tensor goes back.
double brute_force_step_s(const Profile& profile, const Cluster& cluster, std::int64_t batch_size,
                          const std::vector<std::int64_t>& micro_batches) {
  const ModelGraph& model = profile.model;
  const std::size_t num_layers = model.layers.size();
  const std::size_t num_hosts = cluster.hosts.size();
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  double best_s = std::numeric_limits<double>::infinity();

  std::vector<std::size_t> stage_of(num_layers, 0);
  std::vector<std::size_t> stage_of_host(num_hosts, 0);  // num_stages: unused
  const auto evaluate_division = [&](std::size_t num_stages) {
    for (std::size_t i = 0; i < num_layers; ++i)
      for (const Source& source : sources[i])
        if (!source.is_model_input &&
            stage_of[static_cast<std::size_t>(source.index)] > stage_of[i])
          return;
    std::vector<Stage> stages(num_stages);
    for (std::size_t i = 0; i < num_layers; ++i)
      stages[stage_of[i]].layers.push_back(model.layers[i].id);
    std::vector<std::vector<int>> hosts_of(num_stages);
    for (std::size_t h = 0; h < num_hosts; ++h)
      if (stage_of_host[h] < num_stages) hosts_of[stage_of_host[h]].push_back(static_cast<int>(h));
    for (std::size_t s = 0; s < num_stages; ++s) {
      if (stages[s].layers.empty() || hosts_of[s].empty()) return;
      stages[s].replicas = replicas_by_speed(cluster, hosts_of[s]);
    }
    const Plan plan =
        best_setting("brute force", stages, batch_size, micro_batches, profile, cluster);
    if (plan.predicted.fits_memory) best_s = std::min(best_s, plan.predicted.step_s);
  };
  for (std::size_t num_stages = 1; num_stages <= std::min(num_hosts, num_layers); ++num_stages) {
    const std::function<void(std::size_t)> place_host = [&](std::size_t host) {
      if (host == num_hosts) return evaluate_division(num_stages);
      for (std::size_t s = 0; s <= num_stages; ++s) {
        stage_of_host[host] = s;
        place_host(host + 1);
      }
    };
    const std::function<void(std::size_t)> place_layer = [&](std::size_t layer) {
      if (layer == num_layers) return place_host(0);
      for (std::size_t s = 0; s < num_stages; ++s) {
        stage_of[layer] = s;
        place_layer(layer + 1);
      }
    };
    place_layer(0);
  }
  return best_s;
}

/// Linear layers that each read an earlier one, and a head that all ends are added into.
ModelGraph random_model(std::mt19937& random, std::size_t num_layers) {
  ModelGraph model{.name = "random", .inputs = {{.name = "x", .shape = {kFeatures}}}};
  std::set<std::string> ends;
  for (std::size_t i = 0; i < num_layers; ++i) {
    const std::size_t from = random() % (i + 1);
    const std::string input = from == 0 ? "x" : model.layers[from - 1].id;
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

double uniform(std::mt19937& random, double least, double most) {
  return least + (most - least) * static_cast<double>(random()) / 4294967296.0;
}

struct World {
  Profile profile;
  Cluster cluster;
};

World random_world(std::mt19937& random, std::size_t num_layers, std::size_t num_hosts) {
  const ModelGraph model = random_model(random, num_layers);
  std::vector<double> forward_s;
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    forward_s.push_back(uniform(random, 0.001, 0.02));
  std::vector<double> speeds;
  for (std::size_t h = 0; h < num_hosts; ++h)
    speeds.push_back(random() % 2 == 0 ? 1 : uniform(random, 0.2, 2));
  World world{.profile = profile_of(model, forward_s), .cluster = hosts(speeds)};
  world.profile.optimizer_s_per_parameter_byte = 1e-9;
  world.profile.load_s_per_sample = 1e-4;
  world.cluster.network.bandwidth_bytes_per_s = uniform(random, 1e5, 1e8);
  world.cluster.network.latency_s = uniform(random, 0, 1e-3);
  for (Host& host : world.cluster.hosts)
    if (random() % 4 == 0)
      host.memory_bytes = 750'000 * (1 + static_cast<std::int64_t>(random() % 4));
  return world;
}

SearchResult search(const World& world, std::int64_t batch_size,
                    const std::vector<std::int64_t>& micro_batches, double time_limit_s = 60) {
  Plan start = best_setting("single", baseline_stages("single", world.profile, world.cluster),
                            batch_size, micro_batches, world.profile, world.cluster);
  return search_plan(
      world.profile, world.cluster,
      {.batch_size = batch_size, .micro_batches = micro_batches, .time_limit_s = time_limit_s},
      start);
}

}  // namespace

TEST_CASE("the search equals brute force on small worlds", "[planner][property]") {
  constexpr unsigned kSeed = 20;
  std::mt19937 random(kSeed);
  for (int round = 0; round < 60; ++round) {
    const std::size_t num_hosts = 1 + random() % 3;
    const World world = random_world(random, 2 + random() % 3, num_hosts);
    const std::vector<std::int64_t> micro_batches = {1, 2, 4};
    const double expected_s = brute_force_step_s(world.profile, world.cluster, 4, micro_batches);
    const SearchResult result = search(world, 4, micro_batches);
    INFO("seed " << kSeed << ", round " << round);
    if (expected_s == std::numeric_limits<double>::infinity()) {
      CHECK_FALSE(result.best.predicted.fits_memory);
      continue;
    }
    CHECK_THAT(result.best.predicted.step_s, WithinRel(expected_s, 1e-8));
    CHECK_THAT(result.report.lower_bound_s, WithinRel(expected_s, 1e-8));
  }
}

TEST_CASE("stopped early, the search's lower bound still is one", "[planner][property]") {
  constexpr unsigned kSeed = 7;
  std::mt19937 random(kSeed);
  for (int round = 0; round < 20; ++round) {
    const World world = random_world(random, 4, 3);
    const double expected_s = brute_force_step_s(world.profile, world.cluster, 4, {2});
    const SearchResult result = search(world, 4, {2}, 1e-9);
    INFO("seed " << kSeed << ", round " << round);
    CHECK(result.report.lower_bound_s <= expected_s * (1 + 1e-9));
  }
}

TEST_CASE("other names for hosts and layers change nothing", "[planner][property]") {
  std::mt19937 random(3);
  for (int round = 0; round < 10; ++round) {
    World world = random_world(random, 4, 3);
    const double before_s = search(world, 4, {1, 2}).best.predicted.step_s;
    for (Host& host : world.cluster.hosts) host.name = "renamed-" + host.name;
    ModelGraph& model = world.profile.model;
    for (Layer& layer : model.layers) {
      layer.id += "-renamed";
      for (std::string& input : layer.inputs)
        if (input != "x") input += "-renamed";
    }
    model.output += "-renamed";
    for (LayerProfile& layer : world.profile.layers) layer.layer += "-renamed";
    CHECK(search(world, 4, {1, 2}).best.predicted.step_s == before_s);
  }
}

TEST_CASE("one more host never makes the best plan slower", "[planner][property]") {
  std::mt19937 random(5);
  for (int round = 0; round < 10; ++round) {
    World world = random_world(random, 4, 2);
    const SearchResult before = search(world, 4, {1, 2});
    world.cluster.hosts.push_back(world.cluster.hosts.front());
    world.cluster.hosts.back().name = "one more";
    const SearchResult after = search(world, 4, {1, 2});
    if (before.best.predicted.fits_memory)
      CHECK(after.best.predicted.step_s <= before.best.predicted.step_s * (1 + 1e-9));
  }
}

TEST_CASE("the plan's document holds the search's plan and every baseline", "[planner]") {
  const PlanDocument document =
      make_plan(two_branches({1, 1, 1, 1, 0.1, 0.1}), two_hosts(), {.batch_size = 4});
  CHECK(document.plan.strategy == "auto");
  std::vector<std::string> names;
  for (const Plan& plan : document.alternatives) {
    names.push_back(plan.strategy);
    CHECK(plan.predicted.step_s >= document.plan.predicted.step_s * (1 - 1e-9));
  }
  CHECK(names == baseline_names());
  // The two branches side by side: 4 samples × 2 layers × 3 s, and a little for join, head and
  // wire.
  CHECK(document.plan.predicted.step_s < 4 * 2 * 3 * 1.15);
  CHECK(document.search.optimality_gap < 1e-9);
}

TEST_CASE("a request that does not go with the model is refused", "[planner]") {
  const auto message = [](const PlannerOptions& options) {
    try {
      static_cast<void>(make_plan(chain({1, 1}), two_hosts(), options));
      return std::string("accepted");
    } catch (const std::exception& error) {
      return std::string(error.what());
    }
  };
  CHECK(message({.batch_size = 0}) ==
        "--batch-size: expected a multiple of the model's batch-norm group of 1 samples, found 0");
  CHECK(message({.batch_size = 4, .strategy = "pipelin"}) ==
        "--strategy: expected auto, single, data-parallel, branch or pipeline, found \"pipelin\", "
        "did "
        "you mean \"pipeline\"?");
  CHECK(
      message({.batch_size = 4, .strategy = "branch"}) ==
      "--strategy: expected a strategy that divides this model on this cluster, found \"branch\"");
  CHECK(message({.batch_size = 4, .micro_batches = {3}}) ==
        "--micro-batches: expected a divisor of the 4 batch-norm groups in a batch, found 3");
}
