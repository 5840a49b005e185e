// SimGrid allows one engine in a process, so a test case replays once; ctest runs each in a process
// of its own.

#include "simulator/replay.h"
#include "tests/support/tiny_programs.h"
#include "tests/support/catch.h"

using namespace cadastre;

namespace {

constexpr double kBandwidth = 1e6;

/// `num_hosts` hosts of one core each on one machine.
Cluster on_one_machine(int num_hosts, int cores, double memory_bandwidth_bytes_per_s) {
  Cluster cluster = star(num_hosts, kBandwidth, 0);
  cluster.machines = {{.name = "box",
                       .cores = cores,
                       .memory_bandwidth_bytes_per_s = memory_bandwidth_bytes_per_s}};
  for (Host& host : cluster.hosts) host.machine = "box";
  return cluster;
}

/// Each rank computes so long, side by side.
TinyProgram side_by_side(const std::vector<double>& seconds) {
  TinyProgram tiny(std::vector<int>(seconds.size(), 1));
  for (std::size_t r = 0; r < seconds.size(); ++r) tiny.forward(static_cast<int>(r), seconds[r]);
  return tiny;
}

ReplayResult replayed(const TinyProgram& tiny, const Cluster& cluster,
                      const ProgramMemoryTraffic& traffic = {}) {
  return replay(tiny.program, tiny.costs, cluster,
                {.conditions = {}, .spreads = {}, .memory_traffic = traffic});
}

}  // namespace

TEST_CASE("ranks on one machine compute as if alone while it has cores for all", "[simulator]") {
  const ReplayResult result = replayed(side_by_side({1, 2}), on_one_machine(2, 2, 1e9));
  CHECK_THAT(result.figures.hosts[0].compute_s, WithinRel(1.0, 1e-9));
  CHECK_THAT(result.figures.hosts[1].compute_s, WithinRel(2.0, 1e-9));
}

TEST_CASE("three ranks on two cores take half as long again", "[simulator]") {
  const ReplayResult result = replayed(side_by_side({2, 2, 2}), on_one_machine(3, 2, 1e9));
  CHECK_THAT(result.timeline.step_s, WithinRel(3.0, 1e-6));
}

TEST_CASE("a rank of two cores gets twice what one of one core gets", "[simulator]") {
  // On two cores: the first needs 1 s of two, the second 1 s of one. They get 4/3 and 2/3 of a
  // core: both would take 1.5 s. The next step likewise.
  Cluster cluster = on_one_machine(2, 2, 1e9);
  cluster.hosts[0].cores = 2;
  const ReplayResult result = replayed(side_by_side({1, 1}), cluster);
  CHECK_THAT(result.timeline.step_s, WithinRel(1.5, 1e-6));
}

TEST_CASE("ranks share the memory bus of their machine", "[simulator]") {
  // Alone, each moves its 3 MB in 3 s of its 4: together 6 MB need 6 s.
  const ReplayResult result =
      replayed(side_by_side({4, 4}), on_one_machine(2, 2, 1e6), {{3e6}, {3e6}});
  CHECK_THAT(result.timeline.step_s, WithinRel(6.0, 1e-6));
}

TEST_CASE("a bus that is wide enough takes no time", "[simulator]") {
  const ReplayResult result =
      replayed(side_by_side({4, 4}), on_one_machine(2, 2, 1e6), {{1e6}, {2e6}});
  CHECK_THAT(result.timeline.step_s, WithinRel(4.0, 1e-6));
}

TEST_CASE("hosts on one machine take their own watts", "[simulator]") {
  Cluster cluster = on_one_machine(2, 2, 1e9);
  cluster.hosts[0].watts = 30;
  cluster.hosts[0].idle_watts = 10;
  TinyProgram tiny = side_by_side({1, 3});
  tiny.send_gradient(1, 0, 1'000'000'000);  // over the bus, in 1 s
  tiny.receive_gradient(0, 1, 1'000'000'000);
  const ReplayResult result = replayed(tiny, cluster);
  // The second rank sends while it computes the next step.
  CHECK_THAT(result.timeline.step_s, WithinRel(3.0, 1e-6));
  CHECK_THAT(result.figures.hosts[0].energy_j, WithinRel(1 * 30 + 2 * 10.0, 1e-6));
  CHECK(result.figures.hosts[1].energy_j == 0);
}
