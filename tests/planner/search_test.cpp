#include "planner/search/search.h"

#include <algorithm>
#include <functional>
#include <map>

#include "planner/planner.h"
#include "planner/strategies.h"
#include "tests/support/catch.h"
#include "tests/support/random_worlds.h"
#include "tests/support/reference_evaluator.h"

using namespace cadastre;
using namespace cadastre::worlds;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Calls `visit` with every draft there is, the slow way: each layer on one of the stages, in every
/// order of stages in which no tensor goes back; each stage on a set of hosts of its own, or, for
/// interleaved plans, on one host, of which none has more than two stages or two in a row.
void visit_drafts(const ModelFacts& model, int num_hosts,
                  const std::function<void(const Draft&)>& visit) {
  const std::size_t num_layers = model.num_layers();
  Draft draft{.stage_of_layer = std::vector<int>(num_layers, 0), .stage_hosts = {}};
  const std::function<void(std::size_t, unsigned)> place_plain = [&](std::size_t stage,
                                                                     unsigned used) {
    if (stage == draft.stage_hosts.size()) return visit(draft);
    for (unsigned set = 1; set < 1U << num_hosts; ++set) {
      if ((set & used) != 0) continue;
      draft.stage_hosts[stage].clear();
      for (int h = 0; h < num_hosts; ++h)
        if ((set >> h & 1U) != 0) draft.stage_hosts[stage].push_back(h);
      place_plain(stage + 1, used | set);
    }
  };
  const std::function<void(std::size_t)> place_interleaved = [&](std::size_t stage) {
    if (stage == draft.stage_hosts.size()) {
      if (interleaved(draft)) visit(draft);
      return;
    }
    for (int h = 0; h < num_hosts; ++h) {
      const auto uses = std::count(draft.stage_hosts.begin(),
                                   draft.stage_hosts.begin() + static_cast<std::ptrdiff_t>(stage),
                                   std::vector<int>{h});
      if (uses == 2 || (stage > 0 && draft.stage_hosts[stage - 1].front() == h)) continue;
      draft.stage_hosts[stage] = {h};
      place_interleaved(stage + 1);
    }
  };
  const std::function<void(std::size_t, int)> place_layer = [&](std::size_t layer, int num_stages) {
    if (layer == num_layers) {
      for (int s = 0; s < num_stages; ++s)
        if (std::find(draft.stage_of_layer.begin(), draft.stage_of_layer.end(), s) ==
            draft.stage_of_layer.end())
          return;
      draft.stage_hosts.assign(static_cast<std::size_t>(num_stages), {});
      if (num_stages <= num_hosts) place_plain(0, 0);
      place_interleaved(0);
      return;
    }
    int first = 0;
    for (const int read : model.reads[layer])
      first = std::max(first, draft.stage_of_layer[static_cast<std::size_t>(read)]);
    for (int s = first; s < num_stages; ++s) {
      draft.stage_of_layer[layer] = s;
      place_layer(layer + 1, num_stages);
    }
  };
  const int most = std::min(2 * num_hosts, static_cast<int>(num_layers));
  for (int num_stages = 1; num_stages <= most; ++num_stages) place_layer(0, num_stages);
}

/// The best value of each objective.
std::map<Objective, double> brute_force(const World& world, std::int64_t batch_size,
                                        const std::vector<std::int64_t>& micro_batches,
                                        const std::vector<Objective>& objectives) {
  const PlanningProblem problem(world.profile, world.cluster);
  std::map<Objective, double> best;
  for (const Objective objective : objectives) best[objective] = kInfinity;
  visit_drafts(problem.training.model(), static_cast<int>(world.cluster.hosts.size()),
               [&](const Draft& draft) {
                 for (const std::int64_t count : micro_batches)
                   for (const Objective objective : objectives) {
                     const Goal goal{.objective = objective, .constraints = {}};
                     for (Division& division : complete(draft, batch_size, count, goal, problem)) {
                       const Candidate candidate = evaluate(std::move(division), goal, problem);
                       if (acceptable(candidate, goal))
                         best[objective] = std::min(best[objective], candidate.value);
                     }
                   }
               });
  return best;
}

SearchResult search(const World& world, std::int64_t batch_size,
                    const std::vector<std::int64_t>& micro_batches, double time_limit_s = 60,
                    Objective objective = Objective::kStepTime) {
  const PlanningProblem problem(world.profile, world.cluster);
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
    const World world = random_world(random, random_model(random, 4), 3);
    const PlanningProblem problem(world.profile, world.cluster);
    visit_drafts(problem.training.model(), 3, [&](const Draft& draft) {
      if (++num_plans % 7 != 0) return;
      for (const Division& division : complete(draft, 8, 4, {}, problem)) {
        const Program program = lower(division, problem.training.model());
        const ProgramCosts costs =
            program_costs(program, division, problem.training, world.cluster);
        CHECK_THAT(step_seconds(program, costs, problem.network).step_s,
                   WithinRel(reference::step_seconds(program, costs, world.cluster), 1e-9));
      }
    });
  }
  CHECK(num_plans > 1000);
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

TEST_CASE("the plan's document holds the search's plan and every baseline", "[planner]") {
  const PlanDocument document =
      make_plan(two_branches({1, 1, 1, 1, 0.1, 0.1}), two_hosts(), {.batch_size = 4});
  CHECK(document.plan.strategy == "auto");
  std::vector<std::string> names;
  for (const Plan& plan : document.alternatives) {
    names.push_back(plan.strategy);
    if (plan.averaging_period == 0)
      CHECK(plan.predicted.step_s >= document.plan.predicted.step_s * (1 - 1e-9));
  }
  CHECK(names == baseline_names());
  // The two branches side by side: 4 samples × 2 layers × 3 s, and a little for join, head and
  // wire.
  CHECK(document.plan.predicted.step_s < 4 * 2 * 3 * 1.15);
  CHECK(document.search.optimality_gap < 1e-9);
  CHECK(document.search.proven);
  for (const Plan& plan : document.runners_up)
    CHECK(plan.predicted.step_s >= document.plan.predicted.step_s * (1 - 1e-9));
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
  CHECK(message({.batch_size = 4, .strategy = "pipelin"})
            .ends_with("found \"pipelin\", did you mean \"pipeline\"?"));
  CHECK(
      message({.batch_size = 4, .strategy = "branch"}) ==
      "--strategy: expected a strategy that divides this model on this cluster, found \"branch\"");
  CHECK(message({.batch_size = 4, .micro_batches = {3}}) ==
        "--micro-batches: expected a divisor of the 4 batch-norm groups in a batch, found 3");
}
