#include "executor/probe/probe_warnings.h"

#include "executor/probe/probed_cluster.h"
#include "tests/executor/probe/measured_world.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

using test::measured_world;
using test::put_together;
using test::scale_ways;
using Lines = std::vector<std::string>;

Lines warnings(const ProbeMeasurements& world) {
  return probe_warnings(world, fit_machines(world));
}

TEST_CASE("a sound cluster gives no warning, with some noise neither", "[executor]") {
  for (int num_hosts = 1; num_hosts <= 5; ++num_hosts) {
    ProbeMeasurements world = measured_world(num_hosts);
    CHECK(warnings(world).empty());
    for (std::size_t w = 0; w < world.ways.size(); ++w)
      world.ways[w].bandwidth_bytes_per_s *= 0.9 + 0.02 * static_cast<double>(w * 5 % 11);
    for (ProbedHost& host : world.hosts) {
      host.pass.spread_s = 0.01;
      host.wall_clock_offset_s = 0.2;
    }
    world.hosts.back().pass.median_s = 0.11;
    CHECK(warnings(world).empty());
  }
}

TEST_CASE("a name that resolves to loopback is named", "[executor]") {
  ProbeMeasurements world = measured_world(3);
  world.hosts[2].loopback_names = {{.name = "node3", .address = "127.0.1.1"}};
  world.hosts[0].loopback_names = {{.name = "node2", .address = "127.0.0.1"}};
  const std::string rest =
      ": by that name the other hosts do not find it; mend /etc/hosts or give addresses";
  CHECK(warnings(world) == Lines{"node2 resolves to 127.0.0.1 on node1" + rest,
                                 "node3 resolves to 127.0.1.1 there" + rest});
  // On one machine it does not matter.
  put_together(world, {0, 1, 2});
  CHECK(warnings(world).empty());
}

TEST_CASE("a host that is slower than its twin is named", "[executor]") {
  ProbeMeasurements world = measured_world(3);
  world.hosts[1].pass = {.median_s = 0.1 / 0.6, .spread_s = 0.001};
  CHECK(warnings(world) ==
        Lines{"node2 is 40 % slower than its twin node1 (Processor 9, cores used: 4)"});
  // Of another kind, it is not its twin.
  world.hosts[1].facts.processor = "Processor 8";
  CHECK(warnings(world).empty());
  world.hosts[1].facts.processor = "Processor 9";
  world.hosts[1].num_threads = 2;
  CHECK(warnings(world).empty());
  world.hosts[1].num_threads = 4;
  for (ProbedHost& host : world.hosts) host.facts.processor = "unknown processor";
  CHECK(warnings(world).empty());
}

TEST_CASE("a link that is slower than the others is named with both rates", "[executor]") {
  ProbeMeasurements world = measured_world(4);
  scale_ways(world, 0.94, [](int, int) { return true; });
  scale_ways(world, 0.1, [](int from, int to) { return from == 3 || to == 3; });
  CHECK(warnings(world) == Lines{"node4's link gives 94 Mbit/s, the others 940 Mbit/s"});
}

TEST_CASE("a link that is slower one way is named", "[executor]") {
  ProbeMeasurements world = measured_world(4);
  scale_ways(world, 0.6, [](int from, int) { return from == 1; });
  CHECK(warnings(world) == Lines{"node2 sends at 600 Mbit/s and receives at 1.0 Gbit/s"});
}

TEST_CASE("between two hosts, the slower direction is named", "[executor]") {
  ProbeMeasurements world = measured_world(2);
  scale_ways(world, 0.1, [](int from, int) { return from == 1; });
  CHECK(warnings(world) == Lines{"node2 to node1 gives 100 Mbit/s, the way back 1.0 Gbit/s"});
}

TEST_CASE("a pair that is slow by itself is named", "[executor]") {
  ProbeMeasurements world = measured_world(5);
  scale_ways(world, 0.01, [](int from, int to) { return from + to == 1; });
  CHECK(warnings(world) == Lines{"between node1 and node2 there are 10 Mbit/s, though the links "
                                 "of both give 1.0 Gbit/s"});
}

TEST_CASE("cables are no fault", "[executor]") {
  ProbeMeasurements world = measured_world(4);
  scale_ways(world, 40, [](int from, int to) { return from / 2 == to / 2; });
  CHECK(warnings(world).empty());
}

TEST_CASE("limits, little memory, clocks and other work are named", "[executor]") {
  ProbeMeasurements world = measured_world(2);
  ProbedHost& host = world.hosts[1];
  host.facts.quota_cores = 1.5;
  host.num_threads = 1;
  host.facts.available_memory_bytes = 400'000'000;
  host.facts.load_average = 3.24;
  host.wall_clock_offset_s = -12.34;
  host.pass.spread_s = 0.05;
  CHECK(warnings(world) ==
        Lines{"node2 may use 1.50 of its 4 cores: a control group limits it, as containers have "
              "them",
              "node2 has only 0.40 GB of free memory",
              "node2's clock is 12.3 s behind; runs do not mind, other programs may",
              "node2's times differ by 50 % between repetitions: it has other work (load 3.2 on 4 "
              "cores before the probe), and was measured beside it"});
  // What is limited below what it computes with stops by itself.
  host.num_threads = 2;
  CHECK(warnings(world).size() == 3);
}

}  // namespace
}  // namespace cadastre
