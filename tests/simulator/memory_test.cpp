#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <utility>

#include "planner/planner.h"
#include "simulator/simulate.h"
#include "tests/support/catch.h"
#include "tests/support/random_worlds.h"

using namespace cadastre;
using namespace cadastre::worlds;

namespace {

/// The most that each rank holds at any time of a replay, added up from its events: parameters with
/// gradients and momentum; received tensors and saved activations of each micro-batch from its
/// forward to its backward pass, or its inputs until it is computed again.
std::vector<std::int64_t> replayed_peaks(const SimulatedPlan& replayed, const Plan& plan,
                                         const Profile& profile) {
  struct Held {
    std::int64_t parameters = 0;
    std::int64_t saved = 0;   ///< per sample
    std::int64_t inputs = 0;  ///< per sample
  };

  const std::vector<std::vector<Source>> sources = layer_sources(profile.model);
  std::vector<Held> stages;
  for (const Stage& stage : plan.stages) {
    Held& held = stages.emplace_back();
    for (const std::string& id : stage.layers) {
      const auto i = static_cast<std::size_t>(layer_index(profile.model, id));
      held.parameters += 3 * profile.layers[i].parameter_bytes;
      held.saved += profile.layers[i].saved_bytes_per_sample;
      for (const Source& source : sources[i])
        if (source.is_model_input) held.inputs = kFeatures * kBytesPerElement;
    }
  }
  const double micro_batch =
      static_cast<double>(plan.batch_size) / static_cast<double>(plan.micro_batches);
  std::vector<std::int64_t> peaks;
  for (std::size_t r = 0; r < replayed.timeline.ranks.size(); ++r) {
    std::int64_t now = 0;
    std::map<int, int> replica_of;
    for (const RankPart& part : replayed.timeline.ranks[r].parts) {
      now += stages[static_cast<std::size_t>(part.stage)].parameters;
      replica_of[part.stage] = part.replica;
    }
    std::int64_t peak = now;
    std::map<std::pair<int, int>, std::int64_t> held;
    for (const TimelineEvent& event : replayed.timeline.events) {
      if (event.rank != static_cast<int>(r) || event.micro_batch < 0) continue;
      const auto s = static_cast<std::size_t>(event.stage);
      const Stage& stage = plan.stages[s];
      const auto samples = static_cast<std::int64_t>(
          std::llround(micro_batch *
                       stage.replicas[static_cast<std::size_t>(replica_of.at(event.stage))].share));
      std::int64_t grown = 0;
      if (event.kind == InstructionKind::kReceiveActivation) grown = event.bytes;
      if (event.kind == InstructionKind::kLoadMicroBatch && stage.recompute)
        grown = stages[s].inputs * samples;
      if ((event.kind == InstructionKind::kForward && !stage.recompute) ||
          event.kind == InstructionKind::kRecompute)
        grown = stages[s].saved * samples;
      if (event.kind == InstructionKind::kBackward)
        grown = -std::exchange(held[{event.stage, event.micro_batch}], 0);
      else
        held[{event.stage, event.micro_batch}] += grown;
      now += grown;
      peak = std::max(peak, now);
    }
    peaks.push_back(peak);
  }
  return peaks;
}

}  // namespace

TEST_CASE("memory is never exceeded in the replay, and is what was predicted",
          "[simulator][property]") {
  constexpr unsigned kSeed = 17;
  std::mt19937 random(kSeed);
  int num_recomputed = 0;
  int num_replayed = 0;
  constexpr int kRounds = 60;
  for (int round = 0; round < kRounds; ++round) {
    World world = random_world(random, random_model(random, 2 + random() % 3), 1 + random() % 3);
    // Just enough for some layers' parameters, and for a few samples' activations.
    for (Host& host : world.cluster.hosts)
      host.memory_bytes = 750'000 * (1 + static_cast<std::int64_t>(random() % 4)) +
                          static_cast<std::int64_t>(random() % 24) * 1000;
    if (round % 3 == 0) {
      // Six layers on two hosts that hold three each, and a little more from round to round.
      world = {.profile = chain({1, 1, 1, 1, 1, 1}), .cluster = hosts({1, 1})};
      for (Host& host : world.cluster.hosts) host.memory_bytes = 3 * 750'000 + 1000 * round;
    }
    const PlanDocument document =
        make_plan(world.profile, world.cluster, {.batch_size = 8, .micro_batches = {2, 4}});
    if (!document.search.feasible) continue;
    PlanDocument alone = document;
    alone.alternatives.clear();
    const Simulation simulation = simulate(alone, {});
    const std::vector<std::int64_t> peaks =
        replayed_peaks(simulation.plans.front(), document.plan, world.profile);
    INFO("seed " << kSeed << ", round " << round);
    REQUIRE(peaks.size() == document.plan.predicted.hosts.size());
    for (std::size_t r = 0; r < peaks.size(); ++r) {
      const HostPrediction& host = document.plan.predicted.hosts[r];
      CHECK(peaks[r] == host.peak_memory_bytes);
      CHECK(peaks[r] <=
            world.cluster.hosts[static_cast<std::size_t>(host_index(world.cluster, host.host))]
                .memory_bytes);
    }
    ++num_replayed;
    for (const Stage& stage : document.plan.stages) num_recomputed += stage.recompute ? 1 : 0;
  }
  CHECK(num_replayed > 20);
  CHECK(num_recomputed > 0);
}
