#include "simulator/token_buckets.h"

#include "planner/cost_model.h"
#include "tests/simulator/replay_world.h"
#include "tests/support/catch.h"
#include "tests/support/tiny_programs.h"

namespace cadastre {
namespace {

/// Where the rank's receives end, in order.
std::vector<double> arrivals_s(const Timeline& timeline, int rank) {
  std::vector<double> ends_s;
  for (const TimelineEvent& event : timeline.events)
    if (event.rank == rank && is_receive(event.kind)) ends_s.push_back(event.end_s);
  return ends_s;
}

}  // namespace

TEST_CASE("a bucket gives what it has, and fills while its link is idle", "[simulator]") {
  TokenBuckets buckets({0.001, 0.002}, 1500);  // 1000 and 500 bytes a second
  CHECK(buckets.enter({0, 1}, 1000, 0) == 1000);
  buckets.leave({0, 1}, 0);
  // 500 left of each.
  CHECK(buckets.enter({0, 1}, 1000, 0) == 500);
  // What comes beside it finds nothing.
  CHECK(buckets.enter({0}, 10, 5) == 0);
  buckets.leave({0, 1}, 6);
  buckets.leave({0}, 7);
  // Idle since 7 and since 6: 0.5 s of 1000 bytes, 1.5 s of 500.
  CHECK(buckets.enter({0}, 1e6, 7.5) == Approx(500));
  CHECK(buckets.enter({1}, 1e6, 7.5) == Approx(750));
  buckets.leave({0}, 8);
  // Never more than they hold.
  CHECK(buckets.enter({0}, 1e6, 100) == Approx(1500));
  buckets.reset();
  CHECK(buckets.enter({0, 1}, 1e6, 100) == Approx(1500));
}

TEST_CASE("links that were idle let through at once what their buckets hold", "[simulator]") {
  constexpr std::int64_t kBytes = 1000;
  TinyProgram tiny({1, 1});
  tiny.forward(0, 10);
  for (int m = 0; m < 3; ++m) tiny.send_activation(0, 1, kBytes, m);
  for (int m = 0; m < 3; ++m) tiny.receive_activation(1, 0, kBytes, m);
  tiny.forward(1, 0.25);
  Cluster cluster = star(2, 1000, 0.0625);
  ReplayWorld world{.program = tiny.program, .costs = tiny.costs, .cluster = cluster};
  world.cluster.network.burst_bytes = 1500;
  const Timeline simulated = replay_all({world}).front();
  const Timeline predicted = evaluate(world.program, world.costs, world.cluster);
  check_same_events(simulated, predicted, 1e-6);
  // 1000 bytes at once, then 500 with 500 at the link's pace, then as the link goes.
  const std::vector<double> ends_s = arrivals_s(predicted, 1);
  REQUIRE(ends_s.size() == 3);
  CHECK(ends_s[1] - ends_s[0] == Approx(0.5));
  CHECK(ends_s[2] - ends_s[1] == Approx(1));
  CHECK(ends_s[2] - ends_s[0] == Approx(1.5));
}

TEST_CASE("messages that pass at once still take the latency and the processors", "[simulator]") {
  TinyProgram tiny({1, 1});
  tiny.forward(0, 1);
  tiny.send_activation(0, 1, 1000);
  tiny.receive_activation(1, 0, 1000);
  tiny.forward(1, 0.5);
  tiny.send_gradient(1, 0, 1000);
  tiny.receive_gradient(0, 1, 1000);
  Cluster cluster = star(2, 1000, 0.125);
  cluster.network.burst_bytes = 1000;
  ReplayWorld world{.program = tiny.program, .costs = tiny.costs, .cluster = cluster};
  ReplayWorld busy = world;
  busy.cluster.network.transport_s_per_byte = 0.25e-3;
  const std::vector<Timeline> simulated = replay_all({world, busy});
  CHECK(simulated[0].step_s == Approx(1 + 0.25 + 0.5 + 0.25));
  CHECK(evaluate(world.program, world.costs, world.cluster).step_s == Approx(2));
  // Each takes a quarter of a second of the processors of both ends, which have nothing else to do.
  CHECK(simulated[1].step_s == Approx(2.5));
}

}  // namespace cadastre
