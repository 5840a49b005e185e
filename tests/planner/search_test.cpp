#include "planner/search/search.h"

#include <algorithm>
#include <functional>
#include <map>

#include "planner/lowering.h"
#include "planner/search/downsets.h"
#include "planner/search/host_sets.h"
#include "tests/support/brute_force.h"
#include "tests/support/catch.h"
#include "tests/support/random_worlds.h"
#include "tests/support/reference_evaluator.h"
#include "tests/support/worlds.h"

using namespace cadastre;
using namespace cadastre::worlds;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr WaitEffect kWaitEffect{
    .forward_s = 0.5, .backward_s = 1, .update_s = 0.25, .time_constant_s = 0.75};

constexpr PartEffect kPartEffect{
    .forward_saving = 0.25, .backward_saving = 0.5, .update_saving = 0.125};

SearchResult search(const World& world, std::int64_t batch_size,
                    const std::vector<std::int64_t>& micro_batches, double time_limit_s = 60,
                    Objective objective = Objective::kStepTime, const AllReduce& all_reduce = {},
                    WireDtype wire_dtype = WireDtype::kFloat32) {
  const PlanningProblem problem(world.profile, world.cluster, all_reduce, wire_dtype);
  return search_plan(problem,
                     {.goal = {.objective = objective, .constraints = {}},
                      .batch_size = batch_size,
                      .micro_batches = micro_batches,
                      .time_limit_s = time_limit_s},
                     {});
}

void check_equals(const SearchResult& result, double expected) {
  CHECK(result.proven);
  if (expected == kInfinity) {
    CHECK_FALSE(result.best.has_value());
    return;
  }
  REQUIRE(result.best.has_value());
  CHECK_THAT(result.best->value, WithinRel(expected, 1e-8));
  CHECK_THAT(result.lower_bound, WithinRel(expected, 1e-8));
}

double best_value(const SearchResult& result) {
  return result.best ? result.best->value : kInfinity;
}

}  // namespace

TEST_CASE("the search equals brute force on every small tree of layers", "[planner][property]") {
  // Every way in which each of up to 4 layers reads an earlier one or the input: 1 + 2 + 6 + 24.
  constexpr unsigned kSeed = 11;
  std::mt19937 random(kSeed);
  std::vector<std::vector<int>> trees = {{}};
  for (std::size_t t = 0; t < trees.size(); ++t) {
    const std::vector<int> reads = trees[t];
    if (!reads.empty()) {
      const World world = random_world(random, tree_model(reads), 1 + random() % 3);
      INFO("seed " << kSeed << ", tree " << t);
      check_equals(search(world, 4, {1, 2}),
                   brute_force(world, 4, {1, 2}, {Objective::kStepTime})[Objective::kStepTime]);
    }
    constexpr std::size_t kMostLayers = 4;
    if (reads.size() == kMostLayers) continue;
    for (int read = -1; read < static_cast<int>(reads.size()); ++read) {
      trees.push_back(reads);
      trees.back().push_back(read);
    }
  }
  CHECK(trees.size() == 1 + 1 + 2 + 6 + 24);
}

TEST_CASE("the search equals brute force on random worlds", "[planner][property]") {
  constexpr unsigned kSeed = 20;
  std::mt19937 random(kSeed);
  for (int round = 0; round < 60; ++round) {
    const World world =
        random_world(random, random_model(random, 2 + random() % 3), 1 + random() % 3);
    INFO("seed " << kSeed << ", round " << round);
    check_equals(search(world, 4, {1, 2, 4}),
                 brute_force(world, 4, {1, 2, 4}, {Objective::kStepTime})[Objective::kStepTime]);
  }
}

TEST_CASE("the search equals brute force where hosts, links and layers are of every kind",
          "[planner][property]") {
  constexpr unsigned kSeed = 50;
  std::mt19937 random(kSeed);
  for (int round = 0; round < 400; ++round) {
    // Some layers have no gradient: their stage may be a step ahead of those that read them.
    const World world =
        uneven_world(random, random_dag(random, 2 + random() % 2), 1 + random() % 3);
    const auto objective =
        static_cast<Objective>(random() % 2 == 0 ? 0 : random() % kNumObjectives);
    INFO("seed " << kSeed << ", round " << round << ", " << objective_name(objective));
    check_equals(search(world, 4, {1, 2, 4}, 60, objective),
                 brute_force(world, 4, {1, 2, 4}, {objective})[objective]);
  }
}

/// Any all-reduce, and any host or none as its root where it has one.
AllReduce random_all_reduce(std::mt19937& random, const Cluster& cluster) {
  AllReduce all_reduce{
      .algorithm = static_cast<AllReduceAlgorithm>(random() % all_reduce_names().size()),
      .root = {}};
  if (has_root(all_reduce.algorithm) && random() % 2 == 0)
    all_reduce.root = cluster.hosts[random() % cluster.hosts.size()].name;
  return all_reduce;
}

TEST_CASE("the search equals brute force whatever the all-reduce", "[planner][property]") {
  constexpr unsigned kSeed = 60;
  std::mt19937 random(kSeed);
  int num_replicated = 0;
  for (int round = 0; round < 300; ++round) {
    // Fast networks, so that stages are replicated; up to four hosts, some of them identical.
    World world = uneven_world(random, random_dag(random, 1 + random() % 2), 2 + random() % 3);
    if (random() % 3 != 0) {
      world.cluster.network.bandwidth_bytes_per_s *= 1000;
      for (Host& host : world.cluster.hosts) {
        if (host.bandwidth_bytes_per_s) *host.bandwidth_bytes_per_s *= 1000;
        host.memory_bytes = 1'000'000'000;
      }
    }
    const AllReduce all_reduce = random_all_reduce(random, world.cluster);
    const auto objective =
        static_cast<Objective>(random() % 2 == 0 ? 0 : random() % kNumObjectives);
    INFO("seed " << kSeed << ", round " << round << ", " << objective_name(objective) << ", "
                 << all_reduce_name(all_reduce.algorithm) << " " << all_reduce.root);
    const SearchResult result = search(world, 4, {1, 4}, 60, objective, all_reduce);
    check_equals(result, brute_force(world, 4, {1, 4}, {objective}, all_reduce)[objective]);
    if (!result.best) continue;
    CHECK(result.best->division.all_reduce == divided(all_reduce, world.cluster));
    for (const DividedStage& stage : result.best->division.stages)
      if (stage.hosts.size() > 1) ++num_replicated;
  }
  CHECK(num_replicated > 50);
}

/// A fast network, and memory for everything: stages are replicated.
void make_replicas_pay(World& world, double times) {
  Network& network = world.cluster.network;
  network.bandwidth_bytes_per_s *= times;
  for (Zone& zone : network.zones) zone.bandwidth_bytes_per_s *= times;
  for (DirectLink& link : network.direct_links) link.bandwidth_bytes_per_s *= times;
  for (Host& host : world.cluster.hosts) {
    if (host.bandwidth_bytes_per_s) *host.bandwidth_bytes_per_s *= times;
    host.memory_bytes = 1'000'000'000;
  }
}

TEST_CASE("the search equals brute force where reductions go on beside backward passes",
          "[planner][property]") {
  constexpr unsigned kSeed = 61;
  std::mt19937 random(kSeed);
  int num_overlapping = 0;
  for (int round = 0; round < 200; ++round) {
    // Layers of several MiB, so that a stage has several buckets; some with batch statistics.
    const bool normed = random() % 2 == 0;
    const ModelGraph model = normed ? random_norm_chain(random, 1 + random() % 2)
                                    : random_dag(random, 2 + random() % 2, 1024);
    World world = uneven_world(random, model, 2 + random() % 2);
    make_replicas_pay(world, 1 + static_cast<double>(random() % 1000));
    const AllReduce all_reduce =
        random() % 2 == 0 ? AllReduce{} : random_all_reduce(random, world.cluster);
    const auto wire_dtype = static_cast<WireDtype>(random() % wire_dtype_names().size());
    const auto objective =
        static_cast<Objective>(random() % 2 == 0 ? 0 : random() % kNumObjectives);
    INFO("seed " << kSeed << ", round " << round << ", " << objective_name(objective) << ", "
                 << all_reduce_name(all_reduce.algorithm) << ", " << wire_dtype_name(wire_dtype));
    const SearchResult result = search(world, 4, {1, 4}, 60, objective, all_reduce, wire_dtype);
    check_equals(result,
                 brute_force(world, 4, {1, 4}, {objective}, all_reduce, wire_dtype)[objective]);
    if (!result.best) continue;
    CHECK(result.best->division.wire_dtype == wire_dtype);
    for (const std::vector<ReductionBucket>& buckets :
         lower(result.best->division, model_facts(model)).stage_buckets)
      if (buckets.size() > 1) ++num_overlapping;
  }
  CHECK(num_overlapping > 40);
}

TEST_CASE("where replicas have parts of their own, which of identical hosts is first matters",
          "[planner]") {
  // The second host's link is fast: as the first of a stage it would be the server.
  World world{.profile = chain({0.05}), .cluster = hosts({1, 1, 1, 1})};
  world.cluster.hosts[1].bandwidth_bytes_per_s = 1e7;
  const auto offered = [&](const AllReduce& all_reduce, const std::vector<int>& set) {
    const std::vector<std::vector<int>> sets =
        HostSets(world.cluster, divided(all_reduce, world.cluster))
            .choices(std::vector<bool>(4, false));
    return std::find(sets.begin(), sets.end(), set) != sets.end();
  };
  CHECK_FALSE(offered({}, {1, 2, 3}));
  CHECK(offered({.algorithm = AllReduceAlgorithm::kParameterServer, .root = {}}, {1, 2, 3}));
  CHECK_FALSE(offered({.algorithm = AllReduceAlgorithm::kParameterServer, .root = {}}, {1, 3}));
  // A host that is the root is like no other.
  CHECK(offered({.algorithm = AllReduceAlgorithm::kParameterServer, .root = "node4"}, {1, 3}));

  const SearchResult result =
      search(world, 12, {1}, 60, Objective::kStepTime,
             {.algorithm = AllReduceAlgorithm::kParameterServer, .root = {}});
  REQUIRE(result.best.has_value());
  CHECK(result.proven);
  CHECK(result.best->division.stages.front().hosts == std::vector<int>{1, 2, 3});
  // 4 samples of 3 x 0.05 s; 250,000 bytes over a slow host's link, there and back.
  CHECK_THAT(result.best->value, WithinRel(0.6 + 2 * 0.25, 1e-9));
}

TEST_CASE("a layer that no gradient goes back to may be a step ahead", "[planner]") {
  // x -> relu -> layer: while node2 trains on one batch, node1 prepares the next.
  ModelGraph model{.name = "frozen", .inputs = {{.name = "x", .shape = {kFeatures}}}};
  model.layers = {{.id = "relu", .operation = Relu{}, .inputs = {"x"}},
                  {.id = "layer",
                   .operation = Linear{.out_features = kFeatures, .bias = false},
                   .inputs = {"relu"}}};
  model.output = "layer";
  World world{.profile = profile_of(checked(std::move(model)), {0.03, 0.01}),
              .cluster = two_hosts()};
  for (Host& host : world.cluster.hosts) host.memory_bytes = 755'000;  // no room for two replicas
  world.cluster.network.bandwidth_bytes_per_s = 1e9;
  world.profile.layers[1].saved_bytes_per_sample = 0;
  const SearchResult result = search(world, 1, {1});
  REQUIRE(result.best.has_value());
  CHECK(result.proven);
  // Each takes 0.03 s a step: 0.03 forward without a way back, and 0.01 + 0.02.
  CHECK_THAT(result.best->value, WithinRel(0.03, 1e-9));
}

TEST_CASE("a stage loads its own input while it waits for another stage", "[planner]") {
  ModelGraph model{
      .name = "late",
      .inputs = {{.name = "x", .shape = {kFeatures}}, {.name = "y", .shape = {kFeatures}}}};
  model.layers = {{.id = "layer",
                   .operation = Linear{.out_features = kFeatures, .bias = false},
                   .inputs = {"x"}},
                  {.id = "sum", .operation = Add{}, .inputs = {"layer", "y"}}};
  model.output = "sum";
  World world{.profile = profile_of(checked(std::move(model)), {0.5, 0}), .cluster = two_hosts()};
  world.profile.load_s_per_sample = 2;
  world.cluster.network.bandwidth_bytes_per_s = 1e9;
  const SearchResult result = search(world, 4, {1}, 60, Objective::kLatency);
  REQUIRE(result.best.has_value());
  CHECK(result.proven);
  // A second for x and a half for the layer; meanwhile the other host loads y.
  CHECK_THAT(result.best->value, WithinRel(1.5, 1e-3));
}

TEST_CASE("several hosts send to a faster link at once", "[planner]") {
  // Two branches of 24 ms a step on links that take 16 ms for their tensors; both meet on node3,
  // whose link would take 32 ms if what comes in came one after the other at the senders' rate.
  World world{.profile = two_branches({0.00025, 0.00025, 0.00025, 0.00025, 0, 0.00045}),
              .cluster = hosts({1, 1, 1})};
  world.cluster.hosts[2].bandwidth_bytes_per_s = 4e6;
  const SearchResult result = search(world, 16, {16});
  REQUIRE(result.best.has_value());
  CHECK(result.best->value < 0.03);
  check_equals(result, brute_force(world, 16, {16}, {Objective::kStepTime})[Objective::kStepTime]);
}

TEST_CASE("the search equals brute force for every objective", "[planner][property]") {
  constexpr unsigned kSeed = 31;
  std::mt19937 random(kSeed);
  const std::vector<Objective> objectives = {Objective::kLatency, Objective::kThroughput,
                                             Objective::kTraffic, Objective::kMemory,
                                             Objective::kEnergy,  Objective::kCost};
  for (int round = 0; round < 25; ++round) {
    const World world =
        random_world(random, random_model(random, 2 + random() % 3), 1 + random() % 3);
    const std::map<Objective, double> expected = brute_force(world, 4, {1, 2}, objectives);
    for (const Objective objective : objectives) {
      INFO("seed " << kSeed << ", round " << round << ", " << objective_name(objective));
      check_equals(search(world, 4, {1, 2}, 60, objective), expected.at(objective));
    }
  }
}

TEST_CASE("the search equals brute force on every topology", "[planner][property]") {
  constexpr unsigned kSeed = 97;
  std::mt19937 random(kSeed);
  const auto cable = [&](const std::string& from, const std::string& to, Sharing sharing) {
    return Cable{.link = {.name = from + "-" + to,
                          .bandwidth_bytes_per_s = uniform(random, 1e5, 1e7),
                          .latency_s = uniform(random, 0, 1e-3),
                          .sharing = sharing},
                 .from = from,
                 .to = to};
  };
  const std::vector<Objective> objectives = {Objective::kStepTime, Objective::kLatency,
                                             Objective::kThroughput, Objective::kEnergy};
  for (int round = 0; round < 24; ++round) {
    World world = random_world(random, random_model(random, 2 + random() % 3), 3);
    if (round % 2 == 0) world.profile.caches = {.backward_ratio = 1.5, .bytes = 3000};
    if (round % 3 == 0) world.profile.waits = kWaitEffect;
    if (round % 4 > 1) world.profile.parts = kPartEffect;
    Network& network = world.cluster.network;
    network.burst_bytes = round % 4 == 1 ? 2000 : 0;
    network.zones.clear();
    const auto sharing = static_cast<Sharing>(random() % 3);
    switch (round % 6) {
      case 0:
        network.topology = Torus{.dimensions = {3}, .sharing = sharing};
        break;
      case 1:
        network.topology =
            FatTree{.down = {2, 2}, .up = {1, 2}, .parallel = {1, 1}, .sharing = sharing};
        break;
      case 2:
        network.topology = Dragonfly{.groups = 2, .routers = 2, .nodes = 1, .sharing = sharing};
        break;
      case 3:
        network.topology =
            Graph{.switches = {"switch"},
                  .cables = {cable("node1", "switch", sharing), cable("node2", "switch", sharing),
                             cable("node3", "switch", Sharing::kFatPipe),
                             cable("node2", "node3", Sharing::kShared)}};
        break;
      case 4:
        world.cluster.machines = {
            {.name = "machine", .memory_bandwidth_bytes_per_s = uniform(random, 1e6, 1e8)}};
        world.cluster.hosts[0].machine = world.cluster.hosts[1].machine = "machine";
        network.direct_links.clear();
        break;
      default:
        network.topology = Torus{.dimensions = {3}, .sharing = Sharing::kFatPipe};
        network.model = lv08_model();
        network.model.tcp_window_bytes = uniform(random, 10, 1000);
    }
    for (Host& host : world.cluster.hosts) host.idle_watts = uniform(random, 0, 1) * host.watts;
    const std::map<Objective, double> expected = brute_force(world, 4, {1, 2}, objectives);
    for (const Objective objective : objectives) {
      INFO("seed " << kSeed << ", round " << round << ", " << objective_name(objective));
      check_equals(search(world, 4, {1, 2}, 60, objective), expected.at(objective));
    }
  }
}

TEST_CASE("stopped early, the search's lower bound still is one", "[planner][property]") {
  constexpr unsigned kSeed = 7;
  std::mt19937 random(kSeed);
  for (int round = 0; round < 20; ++round) {
    const World world = random_world(random, random_model(random, 4), 3);
    const double expected =
        brute_force(world, 4, {2}, {Objective::kStepTime})[Objective::kStepTime];
    INFO("seed " << kSeed << ", round " << round);
    CHECK(search(world, 4, {2}, 1e-9).lower_bound <= expected * (1 + 1e-9));
  }
}

TEST_CASE("another evaluator finds the same step time in every plan's program",
          "[planner][property]") {
  constexpr unsigned kSeed = 41;
  std::mt19937 random(kSeed);
  int num_plans = 0;
  for (int round = 0; round < 8; ++round) {
    World world = random_world(random, random_model(random, 4), 3);
    if (round % 2 == 0) world.profile.waits = kWaitEffect;
    if (round % 3 == 0) world.cluster.network.burst_bytes = 3000;
    const PlanningProblem problem(world.profile, world.cluster);
    visit_drafts(problem.training.model(), 3, [&](const Draft& draft) {
      if (++num_plans % 7 != 0) return;
      for (const auto& [division, program] : complete(draft, 8, 4, {}, problem)) {
        const ProgramCosts costs =
            program_costs(program, division, problem.training, world.cluster);
        CHECK_THAT(step_seconds(program, costs, problem.network).step_s,
                   WithinRel(reference::step_seconds(program, costs, world.cluster), 1e-9));
      }
    });
  }
  CHECK(num_plans > 1000);
}

TEST_CASE("another evaluator finds the same where reductions go on beside backward passes",
          "[planner][property]") {
  constexpr unsigned kSeed = 42;
  std::mt19937 random(kSeed);
  int num_plans = 0;
  int num_overlapping = 0;
  for (int round = 0; round < 12; ++round) {
    const ModelGraph model =
        round % 2 == 0 ? random_norm_chain(random, 2) : random_dag(random, 4, 1024);
    World world = random_world(random, model, 3);
    make_replicas_pay(world, 30);
    if (round % 4 < 2) world.profile.waits = kWaitEffect;
    if (round % 3 == 0) world.cluster.network.burst_bytes = 3000;
    const PlanningProblem problem(world.profile, world.cluster, {},
                                  static_cast<WireDtype>(round % 3));
    visit_drafts(problem.training.model(), 3, [&](const Draft& draft) {
      if (++num_plans % 7 != 0) return;
      for (const auto& [division, program] : complete(draft, 8, 4, {}, problem)) {
        const ProgramCosts costs =
            program_costs(program, division, problem.training, world.cluster);
        CHECK_THAT(step_seconds(program, costs, problem.network).step_s,
                   WithinRel(reference::step_seconds(program, costs, world.cluster), 1e-9));
        for (const std::vector<ReductionBucket>& buckets : program.stage_buckets)
          if (buckets.size() > 1) ++num_overlapping;
      }
    });
  }
  CHECK(num_plans > 1000);
  CHECK(num_overlapping > 40);
}

TEST_CASE("other names for hosts and layers change nothing", "[planner][property]") {
  std::mt19937 random(3);
  for (int round = 0; round < 10; ++round) {
    World world = random_world(random, random_model(random, 4), 3);
    const double before = best_value(search(world, 4, {1, 2}));
    for (Host& host : world.cluster.hosts) host.name = "renamed-" + host.name;
    for (Zone& zone : world.cluster.network.zones)
      for (std::string& host : zone.hosts) host = "renamed-" + host;
    for (DirectLink& link : world.cluster.network.direct_links) {
      link.from = "renamed-" + link.from;
      link.to = "renamed-" + link.to;
    }
    ModelGraph& model = world.profile.model;
    for (Layer& layer : model.layers) {
      layer.id += "-renamed";
      for (std::string& input : layer.inputs)
        if (input != "x") input += "-renamed";
    }
    model.output += "-renamed";
    for (LayerProfile& layer : world.profile.layers) layer.layer += "-renamed";
    CHECK(best_value(search(world, 4, {1, 2})) == before);
  }
}

TEST_CASE("one more host never makes the best plan slower", "[planner][property]") {
  std::mt19937 random(5);
  for (int round = 0; round < 10; ++round) {
    World world = random_world(random, random_model(random, 4), 2);
    const double before = best_value(search(world, 4, {1, 2}));
    world.cluster.hosts.push_back(world.cluster.hosts.front());
    world.cluster.hosts.back().name = "one more";
    CHECK(best_value(search(world, 4, {1, 2})) <= before * (1 + 1e-9));
  }
}

TEST_CASE("faster links never make the best plan slower", "[planner][property]") {
  std::mt19937 random(6);
  for (int round = 0; round < 15; ++round) {
    World world = random_world(random, random_model(random, 4), 3);
    const double before = best_value(search(world, 4, {1, 2}));
    world.cluster.network.bandwidth_bytes_per_s *= 1.5;
    for (Zone& zone : world.cluster.network.zones) zone.bandwidth_bytes_per_s *= 1.5;
    for (DirectLink& link : world.cluster.network.direct_links) link.bandwidth_bytes_per_s *= 1.5;
    CHECK(best_value(search(world, 4, {1, 2})) <= before * (1 + 1e-9));
  }
}

TEST_CASE("downsets are all there, or none where there are more than the limit", "[planner]") {
  // Of a chain every prefix, the empty one too; of n layers side by side and their sum 2^n + 1.
  CHECK(enumerate_downsets(model_facts(chain_model(9)), 10).sets.size() == 10);
  CHECK_FALSE(enumerate_downsets(model_facts(chain_model(10)), 10).complete);
  const ModelFacts wide = model_facts(tree_model({-1, -1, -1, -1}));
  CHECK(enumerate_downsets(wide, 17).sets.size() == 17);
  CHECK_FALSE(enumerate_downsets(wide, 16).complete);
  CHECK_FALSE(
      enumerate_downsets(model_facts(tree_model(std::vector<int>(100, -1))), 20000).complete);
}
