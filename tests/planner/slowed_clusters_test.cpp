#include "planner/slowed_clusters.h"

#include <algorithm>

#include "tests/support/catch.h"
#include "tests/support/worlds.h"

using namespace cadastre;

namespace {

/// Of the 75th and 95th percentile of how slow something with the spread 1 is: the quartiles are
/// exp(-+0.481), as 2 sinh(0.481) = 1; 1.645 / 0.6745 deviations of the quartile are 0.481 x 2.439.
constexpr double kQuarter = 0.618034;
constexpr double kTwentieth = 0.309277;

std::vector<Cluster> slowed(const Cluster& cluster, const StepVariation& variation = {}) {
  const Routes routes(cluster);
  return slowed_clusters(cluster, routes, step_spreads(cluster, routes, variation));
}

}  // namespace

TEST_CASE("a link has the spread of its host, or else the network's", "[planner]") {
  Cluster cluster = worlds::hosts({1, 1, 1});
  cluster.hosts[1].speed_spread = 0.5;
  cluster.hosts[1].bandwidth_spread = 0;
  cluster.network.bandwidth_spread = 0.25;
  cluster.network.direct_links = {
      {.from = "node1", .to = "node3", .bandwidth_bytes_per_s = 1e9, .latency_s = 0}};
  const Routes routes(cluster);
  const StepSpreads spreads = step_spreads(cluster, routes);
  CHECK(spreads.hosts == std::vector<double>{0, 0.5, 0});
  for (std::size_t l = 0; l < spreads.links.size(); ++l)
    CHECK(spreads.links[l] == (link_name(routes.half_links()[l]) == "node2" ? 0 : 0.25));
}

TEST_CASE("conditions change the spreads that they name, and no other", "[planner]") {
  Cluster cluster = worlds::hosts({1, 1});
  cluster.hosts[0].speed_spread = cluster.hosts[1].speed_spread = 0.5;
  const Routes routes(cluster);
  const StepSpreads spreads =
      step_spreads(cluster, routes,
                   {.correlation_steps = 1,
                    .spreads = {{.resource = {.host = "node2", .link = {}}, .spread = 0},
                                {.resource = {.host = {}, .link = "node1"}, .spread = 2}}});
  CHECK(spreads.hosts == std::vector<double>{0.5, 0});
  for (std::size_t l = 0; l < spreads.links.size(); ++l)
    CHECK(spreads.links[l] == (link_name(routes.half_links()[l]) == "node1" ? 2 : 0));
  CHECK(spreads.any());
  CHECK_FALSE(step_spreads(worlds::two_hosts(), routes).any());
}

TEST_CASE("the memory bus of a machine does not vary with the network", "[planner]") {
  Cluster cluster = worlds::hosts({1, 1, 1});
  cluster.machines = {{.name = "m",
                       .cores = 2,
                       .memory_bandwidth_bytes_per_s = 1e10,
                       .bandwidth_bytes_per_s = {},
                       .latency_s = {},
                       .bandwidth_spread = 1}};
  cluster.hosts[0].machine = cluster.hosts[1].machine = "m";
  cluster.network.bandwidth_spread = 0.5;
  const Routes routes(cluster);
  const StepSpreads spreads = step_spreads(cluster, routes);
  CHECK(spreads.links.at(static_cast<std::size_t>(routes.path(0, 1).front())) == 0);
  CHECK(spreads.links.at(static_cast<std::size_t>(routes.path(0, 2).front())) == 1);
  CHECK(spreads.links.at(static_cast<std::size_t>(routes.path(0, 2).back())) == 0.5);
}

TEST_CASE("hosts that vary are as slow as in their worst quarter and twentieth, alone and together",
          "[planner]") {
  Cluster cluster = worlds::hosts({1, 2, 1});
  CHECK(slowed(cluster).empty());
  cluster.hosts[1].speed_spread = 1;
  cluster.hosts[1].transport_speed = 4;
  const std::vector<Cluster> one = slowed(cluster);
  REQUIRE(one.size() == 2);  // alone it is all that varies
  CHECK_THAT(one[0].hosts[1].relative_speed, WithinRel(2 * kQuarter, 1e-4));
  CHECK_THAT(one[1].hosts[1].relative_speed, WithinRel(2 * kTwentieth, 1e-4));
  CHECK_THAT(transport_speed(one[1].hosts[1]), WithinRel(4 * kTwentieth, 1e-4));
  for (const Cluster& slow : one) {
    CHECK(slow.hosts[0] == cluster.hosts[0]);
    CHECK(slow.hosts[2] == cluster.hosts[2]);
    CHECK(slow.network == cluster.network);
  }
  cluster.hosts[0].speed_spread = 1;
  CHECK(slowed(cluster).size() == 6);  // both, each of them
}

TEST_CASE("links that vary are narrower: a host's own, a zone's, a cable, any other topology's",
          "[planner]") {
  Cluster cluster = worlds::hosts({1, 1, 1});
  cluster.hosts[2].bandwidth_spread = 1;
  const std::vector<Cluster> own = slowed(cluster);
  REQUIRE(own.size() == 2);
  CHECK_FALSE(own[0].hosts[0].bandwidth_bytes_per_s);
  CHECK_THAT(own[0].hosts[2].bandwidth_bytes_per_s.value_or(0), WithinRel(1e6 * kQuarter, 1e-4));

  cluster.network.zones = {
      {.name = "far", .hosts = {"node1"}, .bandwidth_bytes_per_s = 1e5, .latency_s = 0}};
  cluster.network.direct_links = {
      {.from = "node1", .to = "node3", .bandwidth_bytes_per_s = 1e9, .latency_s = 0}};
  cluster.network.bandwidth_spread = 1;
  const std::vector<Cluster> all = slowed(cluster);
  REQUIRE(!all.empty());
  CHECK_THAT(all[0].hosts[0].bandwidth_bytes_per_s.value_or(0), WithinRel(1e6 * kQuarter, 1e-4));
  CHECK_THAT(all[0].network.zones[0].bandwidth_bytes_per_s, WithinRel(1e5 * kQuarter, 1e-4));
  CHECK_THAT(all[0].network.direct_links[0].bandwidth_bytes_per_s, WithinRel(1e9 * kQuarter, 1e-4));

  Cluster torus = worlds::hosts({1, 1});
  torus.network.topology = Torus{.dimensions = {2}};
  torus.network.bandwidth_spread = 1;
  const std::vector<Cluster> narrower = slowed(torus);
  REQUIRE(narrower.size() == 2);
  CHECK_THAT(narrower[1].network.bandwidth_bytes_per_s, WithinRel(1e6 * kTwentieth, 1e-4));
}
