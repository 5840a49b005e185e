// Every all-reduce, replayed message by message.

#include <cmath>
#include <string>
#include <vector>

#include "planner/all_reduce_cost.h"
#include "planner/cost_model.h"
#include "tests/simulator/replay_world.h"
#include "tests/support/catch.h"
#include "tests/support/tiny_programs.h"

using namespace cadastre;

namespace {

constexpr double kBandwidth = 1e6;
constexpr double kLatency = 1e-3;  // of a message: it crosses two links of half of it

constexpr double kComputeS = 0.5;

Cluster equal_star(int num_hosts) { return star(num_hosts, kBandwidth, kLatency / 2); }

/// `num_ranks` replicas that compute and reduce; with `root` == `num_ranks`, a server on a host of
/// its own.
ReplayWorld world_of(AllReduceAlgorithm algorithm, int num_ranks, std::int64_t bytes,
                     const Cluster& cluster, int root = -1) {
  TinyProgram tiny({num_ranks});
  tiny.program.all_reduce = {.algorithm = algorithm, .root_host = root, .host_groups = {}};
  if (algorithm == AllReduceAlgorithm::kHierarchical)
    tiny.program.all_reduce = divided({.algorithm = algorithm, .root = {}}, cluster);
  for (int r = 0; r < num_ranks; ++r) {
    tiny.forward(r, kComputeS);
    tiny.reduce(r, bytes);
  }
  if (root == num_ranks) {
    tiny.program.ranks.push_back(
        {.host = host_name(root), .host_index = root, .parts = {}, .instructions = {}});
    tiny.costs.seconds.emplace_back();
    tiny.reduce(root, bytes, 0);
  }
  return {.program = tiny.program, .costs = tiny.costs, .cluster = cluster};
}

/// Worlds whose reductions are to take so long by closed form, in the replay and the cost model.
struct ClosedForms {
  std::vector<ReplayWorld> worlds;
  std::vector<double> expected_s;
  std::vector<std::string> names;

  void add(ReplayWorld world, double seconds, const std::string& name) {
    worlds.push_back(std::move(world));
    expected_s.push_back(seconds);
    names.push_back(name + " of " + std::to_string(worlds.back().program.stage_ranks[0].size()));
  }

  void check() const {
    const std::vector<Timeline> timelines = replay_all(worlds);
    for (std::size_t i = 0; i < worlds.size(); ++i) {
      INFO(names[i]);
      CHECK_THAT(timelines[i].step_s, WithinRel(kComputeS + expected_s[i], 1e-8));
      const ReplayWorld& world = worlds[i];
      CHECK_THAT(evaluate(world.program, world.costs, world.cluster).step_s,
                 WithinRel(kComputeS + expected_s[i], 1e-8));
    }
  }
};

int log2_of(int n) { return static_cast<int>(std::lround(std::log2(n))); }

}  // namespace

TEST_CASE("an all-reduce takes its textbook time, replayed and predicted",
          "[simulator][property]") {
  ClosedForms forms;
  // Bytes that every number of ranks here divides.
  constexpr std::int64_t kBytes = 576'000;
  constexpr double kWireS = kBytes / kBandwidth;
  for (const int n : {2, 3, 4, 5, 8, 9, 16}) {
    const Cluster hosts = equal_star(n + 1);
    const auto world = [&](AllReduceAlgorithm algorithm, int root = -1) {
      return world_of(algorithm, n, kBytes, hosts, root);
    };
    const std::int64_t ring_bytes = kBytes / n * n;
    forms.add(world_of(AllReduceAlgorithm::kRing, n, ring_bytes, hosts),
              2.0 * (n - 1) * (kLatency + static_cast<double>(ring_bytes) / n / kBandwidth),
              "ring");
    if (n == 1 << log2_of(n)) {
      forms.add(world(AllReduceAlgorithm::kHalvingDoubling),
                2.0 * log2_of(n) * kLatency + 2.0 * (n - 1) / n * kWireS, "halving-doubling");
      forms.add(world(AllReduceAlgorithm::kTree), 2.0 * log2_of(n) * (kLatency + kWireS), "tree");
    }
    // All that the server receives crosses its link, and so does all that it sends.
    forms.add(world(AllReduceAlgorithm::kParameterServer), 2 * (kLatency + (n - 1) * kWireS),
              "parameter-server");
    forms.add(world(AllReduceAlgorithm::kParameterServer, n), 2 * (kLatency + n * kWireS),
              "parameter-server apart");
    // Tasks say that they are done; four results at a time are asked for and fetched; tasks are
    // launched, ask, and get the sum.
    forms.add(world(AllReduceAlgorithm::kSpark),
              2 * kLatency * std::ceil((n - 1) / 4.0) + 4 * kLatency + 2 * (n - 1) * kWireS,
              "spark");
    forms.add(world(AllReduceAlgorithm::kSpark, n),
              2 * kLatency * std::ceil(n / 4.0) + 4 * kLatency + 2 * n * kWireS, "spark apart");
  }
  // 4 partial sums, of 4 results each; the driver fetches them, and 16 tasks fetch from it.
  forms.add(world_of(AllReduceAlgorithm::kSparkTree, 16, kBytes, equal_star(17), 16),
            kLatency + 3 * kWireS + 3 * kLatency + 4 * kWireS + 3 * kLatency + 16 * kWireS,
            "spark-tree apart");
  forms.add(world_of(AllReduceAlgorithm::kSparkTree, 16, kBytes, equal_star(16)),
            kLatency + 3 * kWireS + 3 * kLatency + 3 * kWireS + 3 * kLatency + 15 * kWireS,
            "spark-tree");
  forms.check();
}

TEST_CASE("a hierarchy takes its trees and its ring, replayed and predicted",
          "[simulator][property]") {
  ClosedForms forms;
  constexpr std::int64_t kBytes = 600'000;
  constexpr double kWireS = kBytes / kBandwidth;
  for (const int num_groups : {1, 2, 3})
    for (const int group_size : {1, 2, 4}) {
      const int n = num_groups * group_size;
      if (n < 2) continue;
      Cluster cluster = equal_star(n);
      // A tenth of a host's link between the zones.
      for (int z = 0; z < num_groups; ++z) {
        Zone zone{.name = "zone" + std::to_string(z),
                  .hosts = {},
                  .bandwidth_bytes_per_s = kBandwidth / 10,
                  .latency_s = kLatency};
        for (int h = z; h < n; h += num_groups) zone.hosts.push_back(host_name(h));
        cluster.network.zones.push_back(zone);
      }
      const double tree_s = log2_of(group_size) * (kLatency + kWireS);
      const double ring_s =
          2.0 * (num_groups - 1) * (kLatency + 2 * kLatency + 10 * kWireS / num_groups);
      forms.add(world_of(AllReduceAlgorithm::kHierarchical, n, kBytes, cluster),
                2 * tree_s + ring_s, std::to_string(num_groups) + " groups in a hierarchy");
    }
  // Hosts in no zone are by themselves: a ring.
  forms.add(world_of(AllReduceAlgorithm::kHierarchical, 3, kBytes, equal_star(3)),
            4 * (kLatency + kWireS / 3), "no groups in a hierarchy");
  forms.check();
}

TEST_CASE("a rank handles what it receives in an all-reduce, replayed and predicted",
          "[simulator][property]") {
  ClosedForms forms;
  constexpr std::int64_t kBytes = 160'000;
  constexpr double kWireS = kBytes / kBandwidth;
  constexpr double kHandlingS = 0.25 * kWireS;
  Cluster hosts = equal_star(9);
  hosts.network.reduction_s_per_byte = 0.25 / kBandwidth;
  constexpr int n = 8;
  const auto add = [&](AllReduceAlgorithm algorithm, int root, double seconds) {
    forms.add(world_of(algorithm, n, kBytes, hosts, root), seconds, all_reduce_name(algorithm));
  };
  add(AllReduceAlgorithm::kRing, -1, 14 * (kLatency + (kWireS + kHandlingS) / n));
  add(AllReduceAlgorithm::kHalvingDoubling, -1, 6 * kLatency + 2.0 * 7 / 8 * (kWireS + kHandlingS));
  add(AllReduceAlgorithm::kTree, -1, 6 * (kLatency + kWireS + kHandlingS));
  // The server adds up all buffers; its answers are taken by each rank for itself.
  add(AllReduceAlgorithm::kParameterServer, n,
      2 * kLatency + 2 * n * kWireS + (n + 1) * kHandlingS);
  add(AllReduceAlgorithm::kSpark, n, 8 * kLatency + 2 * n * kWireS + (n + 1) * kHandlingS);
  forms.check();
}

TEST_CASE(
    "an all-reduce over unequal numbers of ranks is never predicted too low, nor by "
    "much too high",
    "[simulator][property]") {
  // Rounds overlap here, so that the replay may be faster than the rounds one after the other; it
  // is never faster than what the busiest link carries, and never far from the prediction.
  std::vector<ReplayWorld> worlds;
  std::vector<std::string> names;
  constexpr std::int64_t kBytes = 314'160;  // which 3, 5, 7, 11, 16 and 17 divide
  for (const int n : {3, 5, 6, 7, 11, 17})
    for (std::size_t a = 0; a < all_reduce_names().size(); ++a) {
      const auto algorithm = static_cast<AllReduceAlgorithm>(a);
      for (const int root : {-1, n}) {
        if (root >= 0 && !has_root(algorithm)) continue;
        worlds.push_back(world_of(algorithm, n, kBytes, equal_star(n + 1), root));
        names.push_back(all_reduce_name(algorithm) + " of " + std::to_string(n));
      }
    }
  const std::vector<Timeline> timelines = replay_all(worlds);
  for (std::size_t i = 0; i < worlds.size(); ++i) {
    INFO(names[i]);
    const ReplayWorld& world = worlds[i];
    std::int64_t most = 0;
    for (std::size_t r = 0; r < world.program.ranks.size(); ++r)
      for (const Instruction& instruction : world.program.ranks[r].instructions)
        most = std::max(most, sent_bytes(world.program, r, instruction));
    const double link_s = static_cast<double>(most) / kBandwidth;
    const double predicted_s = evaluate(world.program, world.costs, world.cluster).step_s;
    CHECK(timelines[i].step_s >= link_s);
    CHECK(predicted_s >= kComputeS + link_s);
    CHECK(timelines[i].step_s <= predicted_s * (1 + 1e-9));
    CHECK(timelines[i].step_s >= 0.6 * predicted_s);
  }
}

TEST_CASE("what an all-reduce sends and receives in the replay is what its program says",
          "[simulator][property]") {
  std::vector<IsolatedWork> work;
  std::vector<std::string> names;
  for (const int n : {2, 3, 6, 9, 16})
    for (std::size_t a = 0; a < all_reduce_names().size(); ++a) {
      const auto algorithm = static_cast<AllReduceAlgorithm>(a);
      for (const int root : {-1, 1, n}) {
        if (root >= 0 && !has_root(algorithm)) continue;
        names.push_back(all_reduce_name(algorithm) + " of " + std::to_string(n) + " with root " +
                        std::to_string(root));
        work.emplace_back([=] {
          // Bytes that no number of ranks divides.
          const ReplayWorld world = world_of(algorithm, n, 100'003, equal_star(n + 1), root);
          const SimulationFigures figures =
              replay(world.program, world.costs, world.cluster).figures;
          std::string wrong;
          std::int64_t sum = 0;
          std::int64_t received = 0;
          for (std::size_t r = 0; r < world.program.ranks.size(); ++r) {
            std::int64_t said = 0;
            for (const Instruction& instruction : world.program.ranks[r].instructions)
              said += sent_bytes(world.program, r, instruction);
            if (figures.hosts[r].sent_bytes != said) wrong += " " + std::to_string(r);
            sum += figures.hosts[r].sent_bytes;
            received += figures.hosts[r].received_bytes;
          }
          std::int64_t traffic = 0;
          for (const auto& between : figures.traffic) traffic += between.bytes;
          if (sum != traffic_bytes(world.program)) wrong += " sum";
          if (received != sum) wrong += " received";
          if (traffic != sum) wrong += " traffic";
          return wrong;
        });
      }
    }
  const std::vector<IsolatedResult> results = run_isolated(work, num_usable_cores());
  for (std::size_t i = 0; i < results.size(); ++i) {
    INFO(names[i]);
    CHECK(results[i].error.empty());
    CHECK(results[i].output.empty());
  }
}

TEST_CASE("a server that also computes serves once its own passes are over", "[simulator]") {
  // Ranks 0 and 1 reduce on the host of rank 2, whose own stage computes for ten times as long.
  TinyProgram tiny({2, 1});
  tiny.program.all_reduce = {
      .algorithm = AllReduceAlgorithm::kParameterServer, .root_host = 2, .host_groups = {}};
  constexpr std::int64_t kBytes = 1'000'000;
  for (const int r : {0, 1}) {
    tiny.forward(r, 1);
    tiny.reduce(r, kBytes);
  }
  tiny.forward(2, 10);
  tiny.reduce(2, kBytes, 0);
  const ReplayWorld world{.program = tiny.program, .costs = tiny.costs, .cluster = equal_star(3)};
  const Timeline timeline = replay_all({world})[0];
  // Both buffers have come by then, and its answers leave while it computes again.
  CHECK_THAT(timeline.step_s, WithinRel(10.0, 1e-8));
  // The others wait for it: two answers of 1 s share its link.
  for (const TimelineEvent& event : timeline.events)
    if (event.rank < 2 && event.kind == InstructionKind::kReduceGradients)
      CHECK_THAT(event.end_s - event.start_s, WithinRel(10.0 - 1, 1e-8));
  // The cost model lets the reduction begin when the server comes to it, and keeps it there.
  CHECK_THAT(evaluate(world.program, world.costs, world.cluster).step_s,
             WithinRel(10 + 2 * (2 + kLatency), 1e-8));
}
