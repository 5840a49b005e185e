// The planner's routes against those that SimGrid makes of the same cluster.

#include <simgrid/s4u.hpp>

#include "planner/routes.h"
#include "planner/simgrid_platform.h"
#include "simulator/isolated.h"
#include "simulator/platform.h"
#include "tests/simulator/seen_routes.h"
#include "tests/support/catch.h"
#include "tests/support/network_worlds.h"

using namespace cadastre;
using test::check_same;
using test::describe;
using test::loaded;
using test::parse;
using test::SeenRoutes;
namespace s4u = simgrid::s4u;

namespace {

/// What the simulator builds.
SeenRoutes built(const Cluster& cluster) {
  const auto result = run_isolated({[&] {
                                     check_platform(cluster);
                                     s4u::Engine engine("test");
                                     configure_simgrid(cluster);
                                     const auto hosts = build_platform(engine, cluster);
                                     return describe({hosts.begin(), hosts.end()});
                                   }},
                                   1);
  REQUIRE(result[0].error.empty());
  return parse(result[0].output, cluster.hosts.size());
}

Cluster nominal(Cluster cluster) {
  cluster.network.model = {};
  return cluster;
}

bool is_native(const std::string& xml) { return xml.find("<cluster ") != std::string::npos; }

}  // namespace

TEST_CASE("regular topologies have the routes of SimGrid's own clusters", "[simulator]") {
  using networks::wired;
  std::vector<Cluster> clusters = {
      wired(32, FatTree{.down = {4, 4, 2}, .up = {1, 2, 2}, .parallel = {1, 2, 3}}),
      wired(16, FatTree{.down = {2, 2, 2, 2}, .up = {2, 1, 2, 1}, .parallel = {2, 1, 3, 2}}),
      wired(30, FatTree{.down = {5, 6}, .up = {3, 2}, .parallel = {2, 2}}),
      wired(18, FatTree{.down = {3, 2, 3},
                        .up = {2, 3, 2},
                        .parallel = {1, 1, 1},
                        .sharing = Sharing::kShared}),
      wired(6, FatTree{.down = {6}, .up = {2}, .parallel = {3}, .sharing = Sharing::kShared}),
      wired(60, Torus{.dimensions = {5, 4, 3}}),
      wired(48, Torus{.dimensions = {2, 6, 4}, .sharing = Sharing::kShared}),
      wired(9, Torus{.dimensions = {9}}),
      wired(8, Torus{.dimensions = {8}}),
      wired(12, Torus{.dimensions = {1, 4, 1, 3}}),
      wired(24,
            Dragonfly{.groups = 3, .group_links = 4, .routers = 4, .router_links = 2, .nodes = 2}),
      wired(12, Dragonfly{.chassis = 4, .chassis_links = 3, .nodes = 3}),
      wired(10, Dragonfly{.groups = 1, .routers = 5, .nodes = 2, .sharing = Sharing::kShared}),
      wired(8, Dragonfly{.groups = 2, .routers = 2, .nodes = 2})};
  for (const Cluster& cluster : clusters) {
    const std::string xml = simgrid_platform_xml(cluster, "cluster.json");
    CHECK(is_native(xml));
    check_same(loaded(xml, cluster), cluster, true);
  }
}

TEST_CASE("SimGrid reads an exported cluster of any kind to the same routes", "[simulator]") {
  for (const Cluster& cluster : networks::all())
    check_same(loaded(simgrid_platform_xml(cluster, "cluster.json"), cluster), nominal(cluster),
               true);
}

TEST_CASE("the simulator's links and routes are the planner's", "[simulator]") {
  for (const Cluster& cluster : networks::all())
    if (!cluster.network.model.tcp_window_bytes) check_same(built(cluster), cluster, false);
}
