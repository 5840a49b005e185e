#include "executor/probe/probed_cluster.h"

#include "planner/cluster_check.h"
#include "planner/json_reader.h"
#include "planner/program.h"
#include "tests/executor/probe/measured_world.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"

namespace cadastre {
namespace {

using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;
using test::measured_world;
using test::put_together;
using test::scale_ways;

/// Also checks that the document can be read.
Cluster cluster_of(const ProbeMeasurements& world) {
  const Cluster cluster = cluster_of(world, fit_machines(world), "probed");
  CHECK_FALSE(network_fault(cluster).has_value());
  CHECK(documents::reread(to_json(cluster), cluster_from_json) == cluster);
  return cluster;
}

TEST_CASE("equal hosts on equal links need no link of their own", "[executor]") {
  const Cluster cluster = cluster_of(measured_world(3));
  REQUIRE(cluster.hosts.size() == 3);
  CHECK(cluster.hosts[2].name == "node3");
  CHECK(cluster.hosts[2].address == "10.0.0.3");
  CHECK(cluster.hosts[2].relative_speed == 1);
  CHECK(cluster.hosts[2].cores == 4);
  CHECK(cluster.hosts[2].memory_bytes == 8'000'000'000);
  for (const Host& host : cluster.hosts) {
    CHECK_FALSE(host.bandwidth_bytes_per_s);
    CHECK_FALSE(host.latency_s);
  }
  CHECK(cluster.network.bandwidth_bytes_per_s == 125e6);
  CHECK(cluster.network.latency_s == 25e-6);  // a message crosses two links
  CHECK(cluster.network.direct_links.empty());
  CHECK(cluster.machines.empty());
}

TEST_CASE("a slow host and a slow link are of that host", "[executor]") {
  ProbeMeasurements world = measured_world(4);
  world.hosts[1].pass.median_s = 0.16;
  scale_ways(world, 0.1, [](int from, int to) { return from == 3 || to == 3; });
  const Cluster cluster = cluster_of(world);
  CHECK(cluster.hosts[1].relative_speed == 0.625);
  REQUIRE(cluster.hosts[3].bandwidth_bytes_per_s);
  CHECK(*cluster.hosts[3].bandwidth_bytes_per_s == 12.5e6);
  CHECK_FALSE(cluster.hosts[0].bandwidth_bytes_per_s);
  CHECK(route_between(cluster, 0, 3).bandwidth_bytes_per_s == 12.5e6);
  CHECK(route_between(cluster, 0, 1).bandwidth_bytes_per_s == 125e6);
}

TEST_CASE("a restless host and a restless link are of that host", "[executor]") {
  ProbeMeasurements world = measured_world(4);
  world.hosts[1].speed_spread = 0.250049;
  world.hosts[2].speed_spread = 17;
  for (ProbedWay& way : world.ways) way.spread = way.from == 3 || way.to == 3 ? 0.5 : 0.03;
  const Cluster cluster = cluster_of(world);
  CHECK(cluster.hosts[0].speed_spread == 0);
  CHECK(cluster.hosts[1].speed_spread == 0.25);
  CHECK(cluster.hosts[2].speed_spread == kMostStepSpread);
  CHECK(cluster.network.bandwidth_spread == 0.03);
  CHECK(cluster.hosts[3].bandwidth_spread == 0.5);
  CHECK_FALSE(cluster.hosts[0].bandwidth_spread);

  // All on one machine.
  put_together(world, {0, 1, 2, 3});
  for (ProbedWay& way : world.ways) way.spread = 0.125;
  CHECK(cluster_of(world).network.bandwidth_spread == 0.125);
}

TEST_CASE("what shaped links let through at once is the median of the ways between machines",
          "[executor]") {
  ProbeMeasurements world = measured_world(3);
  CHECK(cluster_of(world).network.burst_bytes == 0);
  for (ProbedWay& way : world.ways) way.burst_bytes = way.from == 0 ? 5000 : 6000;
  CHECK(cluster_of(world).network.burst_bytes == 6000);
  // Between two hosts of one machine, nothing shapes.
  put_together(world, {1, 2});
  for (ProbedWay& way : world.ways)
    if (way.from + way.to == 3) way.burst_bytes = 1e6;
  CHECK(cluster_of(world).network.burst_bytes < 1e4);
}

TEST_CASE("a cable is a direct link of the cluster", "[executor]") {
  ProbeMeasurements world = measured_world(4);
  scale_ways(world, 40, [](int from, int to) { return from / 2 == to / 2; });
  const Cluster cluster = cluster_of(world);
  REQUIRE(cluster.network.direct_links.size() == 2);
  CHECK(
      cluster.network.direct_links[0] ==
      DirectLink{.from = "node1", .to = "node2", .bandwidth_bytes_per_s = 5e9, .latency_s = 50e-6});
  CHECK(route_between(cluster, 2, 3).bandwidth_bytes_per_s == 5e9);
  CHECK(route_between(cluster, 1, 2).bandwidth_bytes_per_s == 125e6);
}

TEST_CASE("hosts of one machine share its memory and its link", "[executor]") {
  ProbeMeasurements world = measured_world(3);
  put_together(world, {0, 1});
  world.ways = {{.from = 0, .to = 1, .latency_s = 5e-6, .bandwidth_bytes_per_s = 4e9},
                {.from = 0, .to = 2, .latency_s = 50e-6, .bandwidth_bytes_per_s = 125e6},
                {.from = 2, .to = 0, .latency_s = 50e-6, .bandwidth_bytes_per_s = 125e6}};
  const Cluster cluster = cluster_of(world);
  REQUIRE(cluster.machines.size() == 1);
  CHECK(cluster.machines[0].memory_bandwidth_bytes_per_s == 4e9);
  CHECK(cluster.machines[0].cores == 8);
  CHECK(cluster.hosts[0].machine == cluster.machines[0].name);
  CHECK(cluster.hosts[1].machine == cluster.machines[0].name);
  CHECK(cluster.hosts[2].machine.empty());
  CHECK(cluster.hosts[1].memory_bytes == 4'000'000'000);
  CHECK(route_between(cluster, 0, 1).bandwidth_bytes_per_s == 4e9);
  CHECK(route_between(cluster, 1, 2).bandwidth_bytes_per_s == 125e6);
}

TEST_CASE("where all hosts are on one machine, each has a link as fast as its memory",
          "[executor]") {
  ProbeMeasurements world = measured_world(3);
  put_together(world, {0, 1, 2});
  world.ways = {{.from = 0, .to = 1, .latency_s = 8e-6, .bandwidth_bytes_per_s = 4e9},
                {.from = 1, .to = 0, .latency_s = 8e-6, .bandwidth_bytes_per_s = 4e9}};
  const Cluster cluster = cluster_of(world);
  CHECK(cluster.machines.empty());
  CHECK(cluster.network.bandwidth_bytes_per_s == 4e9);
  CHECK_THAT(route_between(cluster, 1, 2).latency_s, WithinRel(8e-6));
}

TEST_CASE("one host has a network that nothing crosses", "[executor]") {
  const Cluster cluster = cluster_of(measured_world(1));
  CHECK(cluster.hosts.size() == 1);
  CHECK(cluster.network.bandwidth_bytes_per_s > 0);
}

TEST_CASE("what messages take of processors is that of a host of relative speed 1", "[executor]") {
  ProbeMeasurements world = measured_world(2);
  world.hosts[0].load = {.pass_s = 0.01, .message_s = 50e-6, .transport_s_per_byte = 1e-9};
  world.hosts[1].load = {.pass_s = 0.02, .message_s = 120e-6, .transport_s_per_byte = 3e-9};
  // The other passes were timed while something else ran there.
  world.hosts[1].pass.median_s = 0.3;
  const Network network = cluster_of(world).network;
  CHECK_THAT(network.message_s, WithinRel(55e-6, 1e-3));
  CHECK_THAT(network.transport_s_per_byte, WithinRel(1e-9, 1e-3));
  // Relative to a device that is twice as fast as the first host.
  world.reference_s = 0.05;
  CHECK_THAT(cluster_of(world).network.message_s, WithinRel(27.5e-6, 1e-3));
}

TEST_CASE("a slow host on which messages are cheap has a speed of its own for them", "[executor]") {
  ProbeMeasurements world = measured_world(3);
  world.hosts[0].load = {.pass_s = 0.01, .message_s = 50e-6, .transport_s_per_byte = 2e-9};
  world.hosts[1].load = {.pass_s = 0.04, .message_s = 60e-6, .transport_s_per_byte = 2.5e-9};
  // Dearer than its speed makes it: something else was going on.
  world.hosts[2].load = {.pass_s = 0.01, .message_s = 50e-6, .transport_s_per_byte = 6e-9};
  const Cluster cluster = cluster_of(world);
  CHECK_THAT(cluster.network.transport_s_per_byte, WithinRel(2e-9, 1e-3));
  CHECK_THAT(cluster.network.message_s, WithinRel(50e-6, 1e-3));
  REQUIRE(cluster.hosts[1].transport_speed);
  CHECK_THAT(*cluster.hosts[1].transport_speed, WithinRel(0.8, 1e-3));
  CHECK_FALSE(cluster.hosts[0].transport_speed);
  CHECK_FALSE(cluster.hosts[2].transport_speed);
  // As cheap as on the fast one at a quarter of its speed is what it should be.
  world.hosts[1].load->transport_s_per_byte = 8e-9;
  CHECK_FALSE(cluster_of(world).hosts[1].transport_speed);
}

TEST_CASE("what reductions beside passes take beyond the wire is a cost per byte", "[executor]") {
  ProbeMeasurements world = measured_world(2);
  constexpr double kCost = 2e-9;
  constexpr std::int64_t kBytes = 4 << 20;
  // Two hosts' ring: two rounds of half the bytes.
  const double half = static_cast<double>(kBytes) / 2;
  const double wire_s = 2 * (50e-6 + half / 125e6);
  const auto received = static_cast<double>(ring_bytes_per_rank(kBytes, 2));
  CHECK(received == 2 * half);
  ProbedLoad load{.pass_s = 0.01, .reduction_bytes = kBytes};
  const auto cost_of = [&](double reduction_s, double transport_s_per_byte) {
    load.reduction_s = reduction_s;
    load.transport_s_per_byte = transport_s_per_byte;
    for (ProbedHost& host : world.hosts) host.load = load;
    return cluster_of(world).network.reduction_s_per_byte;
  };
  // It has half of a processor beside the passes.
  CHECK_THAT(cost_of(wire_s + 2 * kCost * received, 0), WithinRel(kCost, 1e-3));
  // What the messages take of the processors goes on while they are on the wire, or the reverse.
  CHECK_THAT(cost_of(wire_s + 2 * kCost * received, 1e-9), WithinRel(kCost, 1e-3));
  CHECK_THAT(cost_of((3 * 10e-9 + 2 * kCost) * received, 10e-9), WithinRel(kCost, 1e-3));
  // Faster than the wire is noise.
  CHECK(cost_of(wire_s / 2, 0) == 0);
}

TEST_CASE("the same measurements give the same bytes", "[executor]") {
  const ProbeMeasurements world = measured_world(5);
  CHECK(json_text(to_json(cluster_of(world))) == json_text(to_json(cluster_of(world))));
  CHECK(to_json(world).at("format") == "cadastre-probe/1");
  CHECK(to_json(world).at("ways").size() == 20);
  CHECK(to_json(world).at("ways")[0].at("to") == "node2");
}

}  // namespace
}  // namespace cadastre
