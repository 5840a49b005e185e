// How often a checkpoint is worth its cost.

#include "planner/checkpoint_interval.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "planner/checkpoint_cost.h"
#include "tests/support/catch.h"
#include "tests/support/worlds.h"

namespace cadastre {
namespace {

/// Mean seconds of `work_s` of work with exponential failures: what is not in a checkpoint is done
/// again after `restart_s`. The same seed draws the same failures for every interval.
double run_s(double work_s, double interval_s, double checkpoint_s, double restart_s, double mtbf_s,
             int num_runs) {
  double total_s = 0;
  for (int run = 0; run < num_runs; ++run) {
    std::mt19937_64 random(static_cast<std::uint64_t>(run));
    std::exponential_distribution<double> next_failure(1 / mtbf_s);
    double now_s = 0;
    double done_s = 0;
    double fails_at_s = next_failure(random);
    while (done_s < work_s) {
      const double piece_s = std::min(interval_s, work_s - done_s);
      const double end_s = now_s + piece_s + (done_s + piece_s < work_s ? checkpoint_s : 0);
      if (end_s <= fails_at_s) {
        now_s = end_s;
        done_s += piece_s;
        continue;
      }
      now_s = fails_at_s;
      do {  // a restart may fail, too
        fails_at_s = now_s + next_failure(random);
        now_s = std::min(now_s + restart_s, fails_at_s);
      } while (now_s >= fails_at_s);
    }
    total_s += now_s;
  }
  return total_s / num_runs;
}

/// The interval that is best by the expected time of Daly's model, by bisection of its derivative:
/// of (exp((t + d) / M) - 1) / t.
double best_interval_s(double checkpoint_s, double mtbf_s) {
  double low_s = 0;
  double high_s = 10 * mtbf_s;
  for (int i = 0; i < 200; ++i) {
    const double t = (low_s + high_s) / 2;
    const double e = std::exp((t + checkpoint_s) / mtbf_s);
    (e * t / mtbf_s > e - 1 ? high_s : low_s) = t;
  }
  return low_s;
}

}  // namespace

TEST_CASE("intervals are those of Young's and Daly's formulas", "[planner]") {
  // delta 5 s, M 1000 s: sqrt(2 x 5 x 1000) = 100; x = 5 / 2000 = 0.0025, sqrt(x) = 0.05;
  // 100 (1 + 0.05 / 3 + 0.0025 / 9) - 5 = 101.694444 - 5.
  CHECK_THAT(young_interval_s(5, 1000), WithinRel(100.0, 1e-12));
  CHECK_THAT(daly_interval_s(5, 1000), WithinRel(96.694444444444, 1e-12));
  // delta 8 s, M 16 s: sqrt(256) = 16; x = 1/4; 16 (1 + 1/6 + 1/36) - 8 = 19.111111 - 8.
  CHECK_THAT(daly_interval_s(8, 16), WithinRel(11.111111111111, 1e-12));
  CHECK(daly_interval_s(8, 4) == 4);
  CHECK(daly_interval_s(9, 4) == 4);
  CHECK(daly_interval_s(0, 1000) == 0);
}

TEST_CASE("Daly's interval is within a percent of the best one", "[planner]") {
  for (const double part : {1e-6, 1e-4, 1e-3, 1e-2, 0.1}) {
    INFO("a checkpoint takes " << part << " of the time between failures");
    CHECK_THAT(daly_interval_s(part * 1000, 1000),
               WithinRel(best_interval_s(part * 1000, 1000), 0.01));
  }
}

TEST_CASE("no interval is much better than Daly's where failures are exponential", "[planner]") {
  constexpr double kWorkS = 20000;
  constexpr double kRestartS = 30;
  constexpr double kMtbfS = 1000;
  for (const double checkpoint_s : {1.0, 20.0}) {
    const double daly_s = daly_interval_s(checkpoint_s, kMtbfS);
    const auto taken_s = [&](double interval_s) {
      return run_s(kWorkS, interval_s, checkpoint_s, kRestartS, kMtbfS, 400);
    };
    const double with_daly_s = taken_s(daly_s);
    double best_s = with_daly_s;
    for (double factor = 0.125; factor < 9; factor *= std::sqrt(2.0))
      best_s = std::min(best_s, taken_s(factor * daly_s));
    INFO("checkpoints of " << checkpoint_s << " s, every " << daly_s << " s");
    CHECK(with_daly_s < 1.02 * best_s);
    // The comparison can tell: intervals far off are much worse.
    CHECK(taken_s(8 * daly_s) > 1.05 * with_daly_s);
    CHECK(taken_s(daly_s / 8) > 1.05 * with_daly_s);
  }
}

TEST_CASE("a checkpoint costs the copy of the largest part, and the way of all to rank 0",
          "[planner]") {
  // Two layers of 250,000 bytes, one on each host: with momentum 500,000 bytes of state each.
  const PlanDocument document = worlds::two_stage_document();
  const CheckpointCost cost = checkpoint_cost(document.plan, document.profile, document.cluster);
  CHECK(cost.bytes == 1'000'000);
  CHECK_THAT(cost.copy_s, WithinRel(500'000 / kCheckpointCopyBytesPerS, 1e-12));
  const Route route = route_between(document.cluster, 1, 0);
  const double expected_s = route.latency_s + 500'000 / route.bandwidth_bytes_per_s;
  CHECK_THAT(cost.send_s, WithinRel(expected_s, 1e-12));
  CHECK_THAT(reload_s(document.plan, document.profile, document.cluster),
             WithinRel(expected_s, 1e-12));

  // Replicas hold the same: only the first one's is kept, but all load it. AdamW and an average
  // keep four tensors.
  Plan replicas = document.alternatives.front();
  replicas.optimizer = {.kind = OptimizerKind::kAdamW, .averages_weights = true};
  const CheckpointCost of_replicas = checkpoint_cost(replicas, document.profile, document.cluster);
  CHECK(of_replicas.bytes == 2'000'000);
  CHECK(of_replicas.send_s == 0);
  CHECK_THAT(reload_s(replicas, document.profile, document.cluster),
             WithinRel(route.latency_s + 2e6 / route.bandwidth_bytes_per_s, 1e-12));
}

TEST_CASE("hosts fail each by itself, and those of one machine together", "[planner]") {
  PlanDocument document = worlds::two_stage_document();
  CHECK_THAT(plan_mtbf_s(document.plan, document.cluster), WithinRel(kDefaultMtbfS / 2, 1e-12));
  document.cluster.hosts[0].mtbf_s = 3000;
  document.cluster.hosts[1].mtbf_s = 6000;
  CHECK_THAT(plan_mtbf_s(document.plan, document.cluster), WithinRel(2000.0, 1e-12));
  document.cluster.machines = {{.name = "m", .cores = 2, .memory_bandwidth_bytes_per_s = 1e10}};
  for (Host& host : document.cluster.hosts) host.machine = "m";
  CHECK_THAT(plan_mtbf_s(document.plan, document.cluster), WithinRel(3000.0, 1e-12));
}

TEST_CASE("checkpoints are whole steps apart, and never denser than they can be sent",
          "[planner]") {
  PlanDocument document = worlds::two_stage_document();
  const auto every = [&](double step_s, std::int64_t num_steps = 0) {
    document.plan.simulated_step_s = step_s;
    return checkpoint_every(document, num_steps);
  };
  // 1 ms for 500,000 bytes, 43,200 s between failures: sqrt(2 x 0.001 x 43200) = 9.295 s, by Daly
  // 9.2943 s.
  CHECK(every(0.1) == 93);
  CHECK(every(4) == 2);
  CHECK(every(100) == 1);
  CHECK(every(0.1, 50) == 50);
  CHECK(every(0) >= 1);
  document.plan.averaging_period = 10;
  CHECK(every(0.1) == 90);
  CHECK(every(100) == 10);
  document.plan.averaging_period = 0;
  document.plan.simulated_step_s.reset();
  CHECK(checkpoint_every(document) == 6);  // of the 1.5 s that are predicted

  // Over 10 kB/s the state takes some 50 s.
  document.cluster.network.bandwidth_bytes_per_s = 1e4;
  const double send_s = checkpoint_cost(document.plan, document.profile, document.cluster).send_s;
  REQUIRE(send_s > 49.9);
  CHECK(static_cast<double>(every(1)) >= send_s);
  CHECK(static_cast<double>(every(1)) < send_s + 1);
}

}  // namespace cadastre
