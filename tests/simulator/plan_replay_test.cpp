// Plans of every kind lowered and replayed: closed forms, and the cost model where nothing
// contends.

#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "planner/cost_model.h"
#include "planner/lowering.h"
#include "planner/plan_check.h"
#include "tests/simulator/replay_world.h"
#include "tests/support/worlds.h"

using namespace cadastre;

namespace {

constexpr double kFastBytesPerS = 1e15;

/// Equal hosts on a network that takes no time.
Cluster fast_hosts(std::size_t num_hosts) {
  Cluster cluster = worlds::hosts(std::vector<double>(num_hosts, 1.0));
  cluster.network.bandwidth_bytes_per_s = kFastBytesPerS;
  return cluster;
}

ReplayWorld world_of(const Plan& plan, const Profile& profile, const Cluster& cluster) {
  const Program program = lower(plan, profile.model, cluster);
  return {.program = program,
          .costs = program_costs(program, plan, profile, cluster),
          .cluster = cluster};
}

/// A chain of equal layers, one a stage, dealt out to the hosts in turns.
Plan dealt_out(const Profile& profile, const Cluster& cluster, std::int64_t micro_batches,
               Schedule schedule) {
  Plan plan{.strategy = "dealt out",
            .batch_size = micro_batches,
            .micro_batches = micro_batches,
            .schedule = schedule};
  for (std::size_t i = 0; i < profile.model.layers.size(); ++i)
    plan.stages.push_back(
        {.layers = {profile.model.layers[i].id},
         .replicas = {{.host = cluster.hosts[i % cluster.hosts.size()].name, .share = 1}}});
  return plan;
}

/// Numbers that are the same on every machine, unlike the library's distributions.
class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}

  /// In [0, n).
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  bool coin() { return below(2) == 0; }

 private:
  std::mt19937 random_;
};

/// Linear layers that read an input or an earlier layer, and sums of two; what nobody reads is
/// added up before the head.
ModelGraph random_model(Dice& dice) {
  ModelGraph model{.name = "random",
                   .inputs = {{.name = "a", .shape = {worlds::kFeatures}},
                              {.name = "b", .shape = {worlds::kFeatures}}}};
  std::set<std::string> unread = {"a", "b"};
  std::vector<std::string> names = {"a", "b"};
  const auto add = [&](Operation operation, std::vector<std::string> inputs) {
    for (const std::string& input : inputs) unread.erase(input);
    std::string id = "layer";
    id += std::to_string(model.layers.size());
    model.layers.push_back({.id = id,
                            .operation = std::move(operation),
                            .inputs = std::move(inputs),
                            .output_shape = {}});
    names.push_back(id);
    unread.insert(id);
  };
  const auto any = [&] {
    return names[static_cast<std::size_t>(dice.below(static_cast<int>(names.size())))];
  };
  const Linear linear{.out_features = worlds::kFeatures, .bias = false};
  const int num_layers = 4 + dice.below(8);
  for (int i = 0; i < num_layers; ++i) {
    const std::string first = any();
    const std::string second = any();
    if (dice.coin() && first != second)
      add(Add{}, {first, second});
    else
      add(linear, {first});
  }
  if (unread.size() > 1) add(Add{}, {unread.begin(), unread.end()});
  add(linear, {model.layers.back().id});
  model.output = model.layers.back().id;
  return worlds::checked(std::move(model));
}

enum class Replicas { kOne, kSeveral };

/// Convex stages in any number, with or without recomputation, on hosts of their own or, under the
/// interleaved schedule, on any.
Plan random_plan(Dice& dice, const Profile& profile, const Cluster& cluster, Schedule schedule,
                 Replicas replicas) {
  const std::vector<std::vector<Source>> sources = layer_sources(profile.model);
  const int num_hosts = static_cast<int>(cluster.hosts.size());
  const int most_stages = schedule == Schedule::kInterleaved ? 2 * num_hosts : num_hosts;
  std::vector<int> stage_of(sources.size(), 0);
  std::set<int> used;
  const int num_stages = 1 + dice.below(most_stages);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    for (const Source& source : sources[i])
      if (!source.is_model_input)
        stage_of[i] = std::max(stage_of[i], stage_of[static_cast<std::size_t>(source.index)]);
    stage_of[i] += dice.below(num_stages - stage_of[i]);
    used.insert(stage_of[i]);
  }
  const std::int64_t micro_batches = 1 + dice.below(6);
  Plan plan{.strategy = "random",
            .batch_size = micro_batches * (1 + dice.below(4)),
            .micro_batches = micro_batches,
            .schedule = schedule};
  std::vector<int> all_hosts;
  for (int h = 0; h < num_hosts; ++h) all_hosts.push_back(h);
  std::vector<int> free_hosts = all_hosts;
  int stages_left = static_cast<int>(used.size());
  for (const int s : used) {
    --stages_left;
    Stage& stage = plan.stages.emplace_back();
    stage.recompute = dice.coin();
    for (std::size_t i = 0; i < sources.size(); ++i)
      if (stage_of[i] == s) stage.layers.push_back(profile.model.layers[i].id);
    if (schedule == Schedule::kInterleaved) free_hosts = all_hosts;
    const int to_spare = static_cast<int>(free_hosts.size()) -
                         (schedule == Schedule::kInterleaved ? 0 : stages_left);
    const int num_replicas = replicas == Replicas::kOne ? 1 : 1 + dice.below(std::min(to_spare, 3));
    for (int r = 0; r < num_replicas; ++r) {
      const auto place = free_hosts.begin() + dice.below(static_cast<int>(free_hosts.size()));
      stage.replicas.push_back({.host = cluster.hosts[static_cast<std::size_t>(*place)].name,
                                .share = 1.0 / num_replicas});
      free_hosts.erase(place);
    }
  }
  const nlohmann::json document;
  const std::string file = "plan";
  check_plan(plan, profile.model, cluster, JsonPlace(document, file, ""));
  return plan;
}

constexpr int kNumSeeds = 40;

/// Random plans under each schedule.
std::vector<ReplayWorld> random_worlds(const Cluster& cluster, Replicas replicas) {
  std::vector<ReplayWorld> worlds;
  for (const Schedule schedule : {Schedule::kGpipe, Schedule::kOneForwardOneBackward,
                                  Schedule::kEagerOneForwardOneBackward, Schedule::kInterleaved})
    for (unsigned seed = 0; seed < kNumSeeds; ++seed) {
      Dice dice(seed);
      const ModelGraph model = random_model(dice);
      std::vector<double> forward_s;
      for (std::size_t i = 0; i < model.layers.size(); ++i)
        forward_s.push_back(1e-3 * dice.below(50));
      Profile profile = worlds::profile_of(model, forward_s);
      if (seed % 2 == 0)
        profile.waits = {
            .forward_s = 0.01, .backward_s = 0.02, .update_s = 0.005, .time_constant_s = 0.05};
      worlds.push_back(
          world_of(random_plan(dice, profile, cluster, schedule, replicas), profile, cluster));
    }
  return worlds;
}

void check_against_cost_model(const std::vector<ReplayWorld>& worlds) {
  const std::vector<Timeline> simulated = replay_all(worlds);
  for (std::size_t i = 0; i < worlds.size(); ++i) {
    INFO("world " << i);
    constexpr double kToleranceS = 1e-6;  // a hundred messages of 10 kB take a nanosecond
    check_same_events(simulated[i], evaluate(worlds[i].program, worlds[i].costs, worlds[i].cluster),
                      kToleranceS);
  }
}

std::size_t num_instructions(const std::vector<ReplayWorld>& worlds, InstructionKind kind) {
  std::size_t number = 0;
  for (const ReplayWorld& world : worlds)
    for (const RankProgram& rank : world.program.ranks)
      for (const Instruction& instruction : rank.instructions)
        if (instruction.kind == kind) ++number;
  return number;
}

std::size_t num_shared_ranks(const std::vector<ReplayWorld>& worlds) {
  std::size_t number = 0;
  for (const ReplayWorld& world : worlds)
    for (const RankProgram& rank : world.program.ranks)
      if (rank.parts.size() > 1) ++number;
  return number;
}

}  // namespace

TEST_CASE("two stages on each host halve the bubble", "[simulator]") {
  constexpr int kHosts = 2;
  constexpr int kMicroBatches = 8;
  const Profile profile = worlds::chain({1, 1, 1, 1});
  const Cluster cluster = fast_hosts(kHosts);
  const Timeline interleaved =
      replay_all({world_of(dealt_out(profile, cluster, kMicroBatches, Schedule::kInterleaved),
                           profile, cluster)})
          .front();
  // Per micro-batch a host computes twice 1 + 2 s; it waits (hosts - 1) such passes of one of its
  // two stages (Narayanan et al. 2021, section 2.2).
  CHECK_THAT(interleaved.step_s, WithinRel(kMicroBatches * 6.0 + (kHosts - 1) * 3.0, 1e-9));
}

TEST_CASE("recomputation makes a pipeline as slow as a longer backward pass", "[simulator]") {
  constexpr int kStages = 3;
  constexpr int kMicroBatches = 5;
  const Profile profile = worlds::chain({1, 1, 1});
  const Cluster cluster = fast_hosts(kStages);
  Plan plan = dealt_out(profile, cluster, kMicroBatches, Schedule::kGpipe);
  for (Stage& stage : plan.stages) stage.recompute = true;
  const Timeline timeline = replay_all({world_of(plan, profile, cluster)}).front();
  // (M + S - 1) forward passes of 1 s; the last stage then recomputes and goes back M times 1 + 2
  // s, the others recompute while they wait for its gradient, so each adds 2 s.
  CHECK_THAT(timeline.step_s, WithinRel((kMicroBatches + kStages - 1) * 1.0 + kMicroBatches * 3.0 +
                                            (kStages - 1) * 2.0,
                                        1e-9));
}

TEST_CASE("a tensor between two stages of one host takes no time and no traffic", "[simulator]") {
  const Profile profile = worlds::chain({1, 1, 1});
  Cluster cluster = worlds::hosts({1});
  cluster.network.bandwidth_bytes_per_s = 1;  // a second a byte
  const ReplayWorld world =
      world_of(dealt_out(profile, cluster, 4, Schedule::kInterleaved), profile, cluster);
  CHECK(traffic_bytes(world.program) == 0);
  CHECK_THAT(replay_all({world}).front().step_s, WithinRel(4 * 3 * 3.0, 1e-9));
}

TEST_CASE("plans of every kind replay to the cost model's timeline where nothing contends",
          "[simulator][property]") {
  // Messages take their latency, and their bytes no time.
  Cluster cluster = fast_hosts(4);
  cluster.network.latency_s = 1e-3;
  cluster.network.zones = {{.name = "room",
                            .hosts = {"node2", "node3"},
                            .bandwidth_bytes_per_s = kFastBytesPerS,
                            .latency_s = 5e-3}};
  cluster.hosts[3].latency_s = 2e-3;
  const std::vector<ReplayWorld> worlds = random_worlds(cluster, Replicas::kOne);
  CHECK(num_instructions(worlds, InstructionKind::kRecompute) > 100);
  CHECK(num_shared_ranks(worlds) > 20);
  check_against_cost_model(worlds);
}

TEST_CASE("replicas of every kind replay to the cost model's timeline on a network of no time",
          "[simulator][property]") {
  Cluster cluster = fast_hosts(4);
  cluster.hosts[1].relative_speed = 0.5;
  const std::vector<ReplayWorld> worlds = random_worlds(cluster, Replicas::kSeveral);
  CHECK(num_instructions(worlds, InstructionKind::kReduceGradients) > 50);
  CHECK(num_shared_ranks(worlds) > 20);
  check_against_cost_model(worlds);
}
