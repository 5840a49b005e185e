#include "planner/routes.h"

#include <algorithm>
#include <set>

#include "planner/cluster_check.h"
#include "tests/support/catch.h"
#include "tests/support/network_worlds.h"

using namespace cadastre;
using namespace cadastre::networks;

namespace {

std::vector<std::string> names(const Cluster& cluster, int from, int to) {
  const Routes routes(cluster);
  std::vector<std::string> names;
  for (const int half_link : routes.path(from, to))
    names.push_back(routes.half_links()[static_cast<std::size_t>(half_link)].name);
  return names;
}

using Names = std::vector<std::string>;

template <typename Visit>
void for_each_pair(std::size_t num_hosts, const Visit& visit) {
  for (int from = 0; from < static_cast<int>(num_hosts); ++from)
    for (int to = 0; to < static_cast<int>(num_hosts); ++to)
      if (from != to) visit(from, to);
}

}  // namespace

TEST_CASE("in a star a message crosses two links, and the uplinks between zones", "[planner]") {
  Cluster cluster = hosts(3);
  cluster.network.zones = {
      {.name = "left", .hosts = {"n1", "n2"}, .bandwidth_bytes_per_s = 5e5, .latency_s = 1}};
  CHECK(names(cluster, 0, 1) == Names{"n1.up", "n2.down"});
  CHECK(names(cluster, 0, 2) == Names{"n1.up", "zone left.up", "n3.down"});
  CHECK(names(cluster, 2, 1) == Names{"n3.up", "zone left.down", "n2.down"});
}

TEST_CASE("in a fat tree a message turns at the lowest switch above both ends", "[planner]") {
  // Four hosts, two switches of level 1 with two hosts each, two switches of level 2.
  const Cluster cluster = wired(4, FatTree{.down = {2, 2}, .up = {1, 2}, .parallel = {1, 1}});
  CHECK(names(cluster, 0, 1) == Names{"n1-switch1.0.up", "n2-switch1.0.down"});
  // D-mod-k: host d goes over the switch d mod 2 of level 2.
  CHECK(names(cluster, 0, 2) == Names{"n1-switch1.0.up", "switch1.0-switch2.0.up",
                                      "switch1.1-switch2.0.down", "n3-switch1.1.down"});
  CHECK(names(cluster, 0, 3) == Names{"n1-switch1.0.up", "switch1.0-switch2.1.up",
                                      "switch1.1-switch2.1.down", "n4-switch1.1.down"});
  CHECK_THAT(Routes(cluster).way(0, 3).latency_s, WithinRel(4 * kLatency, 1e-12));
}

TEST_CASE("in a torus a message goes the shorter way round, dimension by dimension", "[planner]") {
  const Cluster cluster = wired(12, Torus{.dimensions = {4, 3}});
  // Place 4y + x. From (0, 0) to (3, 1): one back in x, one on in y.
  CHECK(names(cluster, 0, 7) == Names{"n4-n1.down", "n4-n8.up"});
  // From (0, 0) to (2, 0): both ways are as long; up from the lower half.
  CHECK(names(cluster, 0, 2) == Names{"n1-n2.up", "n2-n3.up"});
  CHECK(names(cluster, 0, 1) == Names{"n1-n2.up"});
  CHECK(names(cluster, 1, 0) == Names{"n1-n2.down"});
}

TEST_CASE("in a dragonfly a message leaves its group by the router of the other", "[planner]") {
  // Two groups of two chassis of two routers of one host.
  const Cluster cluster =
      wired(8, Dragonfly{.groups = 2, .group_links = 3, .chassis = 2, .routers = 2, .nodes = 1});
  // In chassis 1 of group 0: by the other router of the chassis, then of the other chassis.
  CHECK(names(cluster, 2, 1) == Names{"n3-router0.1.0.up", "router0.1.0-router0.1.1.up",
                                      "router0.0.1-router0.1.1.down", "n2-router0.0.1.down"});
  // To group 1: router 1 of chassis 0 of group 0 is linked with router 0 of chassis 0 of group 1.
  CHECK(names(cluster, 2, 7) == Names{"n3-router0.1.0.up", "router0.1.0-router0.1.1.up",
                                      "router0.0.1-router0.1.1.down", "router0.0.1-router1.0.0.up",
                                      "router1.0.0-router1.0.1.up", "router1.0.1-router1.1.1.up",
                                      "n8-router1.1.1.down"});
  // Three links between the groups are one of three times the bandwidth.
  const Routes routes(cluster);
  const auto between =
      std::find_if(routes.half_links().begin(), routes.half_links().end(),
                   [](const HalfLink& link) { return link.name == "router0.0.1-router1.0.0.up"; });
  REQUIRE(between != routes.half_links().end());
  CHECK(between->bandwidth_bytes_per_s == 3 * kBytesPerS);
}

TEST_CASE("in a graph a message takes the way of least latency, then of fewest links",
          "[planner]") {
  const Cluster cluster = wired(8, square());
  CHECK(names(cluster, 0, 1) == Names{"n1-a.up", "n2-a.down"});
  // a-b-c takes 0.5 s, the diagonal 0.75 s; a-d-c is as long and comes later in the list.
  CHECK(names(cluster, 0, 4) == Names{"n1-a.up", "a-b.up", "b-c", "n5-c.down"});
  // n8 has a cable to b, too, and from b to d it passes on what is quicker through it.
  CHECK(names(cluster, 2, 6) == Names{"n3-b.up", "n8-b.down", "n8-d.up", "n7-d.down"});

  // Of two ways of one latency, the one over fewer cables.
  Graph graph{.switches = {"a", "b"},
              .cables = {cable("n1", "a", 0.1), cable("a", "b", 0.2), cable("b", "n2", 0.3),
                         cable("n1", "n2", 0.6)}};
  CHECK(names(wired(2, graph), 0, 1) == Names{"n1-n2.up"});
}

TEST_CASE("listed routes are those of the classes, unless two hosts have their own", "[planner]") {
  const Cluster cluster = wired(4, two_sites());
  CHECK(names(cluster, 0, 1) == Names{"l1.up", "bb1", "l2.down"});
  CHECK(names(cluster, 0, 2) == Names{"l1.up", "bb1", "wan", "bb2", "l3.down"});
  CHECK(names(cluster, 2, 0) == Names{"l3.up", "bb2", "wan", "bb1", "l1.down"});
  CHECK(names(cluster, 0, 3) == Names{"cable.up"});
  CHECK(names(cluster, 3, 0) == Names{"cable.down"});
  CHECK(Routes(cluster).way(0, 2).bandwidth_bytes_per_s == 5e5);
}

TEST_CASE("hosts of one machine share its link, and its memory bus between them", "[planner]") {
  Cluster cluster = hosts(4);
  pair_up(cluster);
  CHECK(names(cluster, 0, 1) == Names{"m0 memory"});
  CHECK(names(cluster, 1, 0) == Names{"m0 memory"});
  CHECK(names(cluster, 0, 3) == Names{"m0.up", "m1.down"});
  CHECK(names(cluster, 1, 2) == Names{"m0.up", "m1.down"});
  const Routes routes(cluster);
  CHECK(routes.way(0, 1).bandwidth_bytes_per_s == 64 * kBytesPerS);
  CHECK(routes.way(0, 1).latency_s == 0);
}

TEST_CASE("the factors of the network's model are in every way", "[planner]") {
  Cluster cluster = hosts(3);
  cluster.network.model = lv08_model();
  const Routes routes(cluster);
  CHECK_THAT(routes.way(0, 1).bandwidth_bytes_per_s, WithinRel(0.97 * kBytesPerS, 1e-12));
  CHECK_THAT(routes.way(0, 1).latency_s, WithinRel(13.01 * 2 * kLatency, 1e-12));
  // A window of 0.4 MB per round trip of 2 x 0.5 s.
  cluster.network.model.tcp_window_bytes = 0.4e6;
  CHECK_THAT(Routes(cluster).way(0, 1).bandwidth_bytes_per_s, WithinRel(0.97 * 0.4e6, 1e-12));
  // The links are held for what they take, not for what the window lets through.
  CHECK_THAT(Routes(cluster).way(0, 1).queue_bandwidth_bytes_per_s,
             WithinRel(0.97 * kBytesPerS, 1e-12));
}

TEST_CASE("the bounds on a host's links hold for every message of it", "[planner][property]") {
  for (const Cluster& cluster : all()) {
    REQUIRE_FALSE(network_fault(cluster).has_value());
    const Routes routes(cluster);
    std::size_t num_bounds = 0;
    for_each_pair(cluster.hosts.size(), [&](int from, int to) {
      if (routes.is_direct(from, to)) return;
      double held_s = 0;
      routes.visit_half_links(from, to, [&](std::size_t half_link) {
        held_s = std::max(held_s, routes.byte_s()[half_link]);
      });
      const double out_s = routes.out_byte_s()[static_cast<std::size_t>(from)];
      const double in_s = routes.in_byte_s()[static_cast<std::size_t>(to)];
      CHECK(out_s <= held_s);
      CHECK(in_s <= held_s);
      if (out_s > 0 || in_s > 0) ++num_bounds;
    });
    if (is_star(cluster.network.topology) && cluster.machines.empty()) CHECK(num_bounds > 0);
  }
}

TEST_CASE("one link is in all ways that a bound on a host is of", "[planner][property]") {
  for (const Cluster& cluster : all()) {
    const Routes routes(cluster);
    const int num_hosts = static_cast<int>(cluster.hosts.size());
    for (int host = 0; host < num_hosts; ++host)
      for (const bool out : {true, false}) {
        std::set<std::size_t> common;
        bool is_first = true;
        for (int other = 0; other < num_hosts; ++other) {
          if (other == host || routes.is_direct(host, other)) continue;
          std::set<std::size_t> crossed;
          routes.visit_half_links(out ? host : other, out ? other : host,
                                  [&](std::size_t half_link) { crossed.insert(half_link); });
          if (is_first) common = crossed;
          is_first = false;
          std::erase_if(common, [&](std::size_t link) { return !crossed.contains(link); });
        }
        double most_s = 0;
        for (const std::size_t link : common) most_s = std::max(most_s, routes.byte_s()[link]);
        const auto h = static_cast<std::size_t>(host);
        CHECK((out ? routes.out_byte_s()[h] : routes.in_byte_s()[h]) <= most_s);
      }
  }
}

TEST_CASE("ways are the same looked up, found one by one, and asked of the cluster",
          "[planner][property]") {
  for (const Cluster& cluster : all()) {
    const Routes tabled(cluster);
    const Routes untabled(cluster, Routes::Table::kNone);
    for_each_pair(cluster.hosts.size(), [&](int from, int to) {
      const Way way = tabled.way(from, to);
      const Route route = route_between(cluster, from, to);
      CHECK(way.bandwidth_bytes_per_s == untabled.way(from, to).bandwidth_bytes_per_s);
      CHECK(way.latency_s == untabled.way(from, to).latency_s);
      CHECK(way.bandwidth_bytes_per_s == route.bandwidth_bytes_per_s);
      CHECK(way.latency_s == route.latency_s);
      CHECK(way.shared == untabled.way(from, to).shared);
      std::vector<std::size_t> looked_up;
      std::vector<std::size_t> found;
      tabled.visit_half_links(from, to, [&](std::size_t link) { looked_up.push_back(link); });
      untabled.visit_half_links(from, to, [&](std::size_t link) { found.push_back(link); });
      CHECK(looked_up == found);
      CHECK(way.shared == !looked_up.empty());
    });
  }
}

TEST_CASE("every half link of a path has its own name", "[planner][property]") {
  for (const Cluster& cluster : all()) {
    std::set<std::string> names;
    const Routes routes(cluster);
    for (const HalfLink& link : routes.half_links()) CHECK(names.insert(link.name).second);
  }
}

TEST_CASE("a thousand hosts keep to a few links each", "[planner]") {
  const std::vector<Cluster> clusters = {
      wired(1024, FatTree{.down = {16, 8, 8}, .up = {1, 8, 8}, .parallel = {1, 1, 1}}),
      wired(1024, Torus{.dimensions = {16, 8, 8}}),
      wired(1024, Dragonfly{.groups = 8, .chassis = 2, .routers = 16, .nodes = 4})};
  const std::vector<std::size_t> num_half_links = {2 * (1024 + 64 * 8 + 64 * 8), 2 * 3 * 1024,
                                                   2 * (1024 + 16 * 120 + 8 * 16 + 28)};
  for (std::size_t c = 0; c < clusters.size(); ++c) {
    const Routes routes(clusters[c]);
    CHECK(routes.num_half_links() == num_half_links[c]);
    CHECK_FALSE(routes.path(0, 1023).empty());
  }
}
