// The planner's routes against those that SimGrid makes of the same cluster.

#include <map>
#include <simgrid/s4u.hpp>
#include <sstream>

#include "planner/files.h"
#include "planner/routes.h"
#include "planner/simgrid_platform.h"
#include "simulator/isolated.h"
#include "simulator/platform.h"
#include "tests/support/catch.h"
#include "tests/support/network_worlds.h"
#include "tests/support/temporary_directory.h"

using namespace cadastre;
namespace s4u = simgrid::s4u;

namespace {

struct SeenLink {
  std::string name;
  double bandwidth_bytes_per_s = 0;
  double latency_s = 0;
  bool fat_pipe = false;
};

/// [from][to], of hosts in the cluster's order.
using SeenRoutes = std::vector<std::vector<std::vector<SeenLink>>>;

std::string describe(const std::vector<const s4u::Host*>& hosts) {
  std::ostringstream text;
  text.precision(17);
  for (const s4u::Host* from : hosts)
    for (const s4u::Host* to : hosts) {
      if (from == to) continue;
      std::vector<s4u::Link*> links;
      double latency_s = 0;
      from->route_to(to, links, &latency_s);
      text << links.size() << '\n';
      for (const s4u::Link* link : links)
        text << link->get_bandwidth() << ' ' << link->get_latency() << ' '
             << (link->get_sharing_policy() == s4u::Link::SharingPolicy::FATPIPE) << ' '
             << link->get_name() << '\n';
    }
  return text.str();
}

SeenRoutes parse(const std::string& text, std::size_t num_hosts) {
  std::istringstream in(text);
  SeenRoutes routes(num_hosts, std::vector<std::vector<SeenLink>>(num_hosts));
  for (std::size_t from = 0; from < num_hosts; ++from)
    for (std::size_t to = 0; to < num_hosts; ++to) {
      if (from == to) continue;
      std::size_t count = 0;
      REQUIRE(in >> count);
      for (std::size_t l = 0; l < count; ++l) {
        SeenLink link;
        REQUIRE(in >> link.bandwidth_bytes_per_s >> link.latency_s >> link.fat_pipe);
        in.ignore();
        REQUIRE(std::getline(in, link.name));
        routes[from][to].push_back(link);
      }
    }
  return routes;
}

/// What SimGrid makes of a platform file.
SeenRoutes loaded(const std::string& xml, const Cluster& cluster) {
  const TemporaryDirectory directory;
  const std::string file = (directory.path() / "platform.xml").string();
  write_file(file, xml);
  const auto result = run_isolated({[&] {
                                     s4u::Engine engine("test");
                                     engine.load_platform(file);
                                     engine.get_netzone_root()->seal();
                                     std::vector<const s4u::Host*> hosts;
                                     for (const Host& host : cluster.hosts)
                                       hosts.push_back(s4u::Host::by_name(host.name));
                                     return describe(hosts);
                                   }},
                                   1);
  INFO(xml.substr(0, 2000));
  REQUIRE(result[0].error.empty());
  return parse(result[0].output, cluster.hosts.size());
}

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

/// The same links on the way between every two hosts, in the same order, whatever they are called.
void check_same(const SeenRoutes& seen, const Cluster& cluster, bool with_latency) {
  const Routes routes(cluster);
  std::map<std::string, int> half_link_of;
  std::map<int, std::string> name_of;
  for (std::size_t from = 0; from < seen.size(); ++from)
    for (std::size_t to = 0; to < seen.size(); ++to) {
      if (from == to) continue;
      const std::vector<int> path = routes.path(static_cast<int>(from), static_cast<int>(to));
      CAPTURE(from, to);
      REQUIRE(seen[from][to].size() == path.size());
      for (std::size_t l = 0; l < path.size(); ++l) {
        const HalfLink& expected = routes.half_links()[static_cast<std::size_t>(path[l])];
        const SeenLink& link = seen[from][to][l];
        CAPTURE(expected.name, link.name);
        CHECK(half_link_of.emplace(link.name, path[l]).first->second == path[l]);
        CHECK(name_of.emplace(path[l], link.name).first->second == link.name);
        CHECK_THAT(link.bandwidth_bytes_per_s, WithinRel(expected.bandwidth_bytes_per_s, 1e-12));
        CHECK_THAT(link.latency_s, WithinRel(with_latency ? expected.latency_s : 0, 1e-12));
        CHECK(link.fat_pipe == expected.fat_pipe);
      }
    }
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
