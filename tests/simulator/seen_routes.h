#pragma once

// What SimGrid makes of a platform, to compare the planner's routes with.

#include <map>
#include <simgrid/s4u.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "planner/files.h"
#include "planner/routes.h"
#include "simulator/isolated.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace cadastre::test {

namespace s4u = simgrid::s4u;

struct SeenLink {
  std::string name;
  double bandwidth_bytes_per_s = 0;
  double latency_s = 0;
  bool fat_pipe = false;
};

/// [from][to], of hosts in the cluster's order.
using SeenRoutes = std::vector<std::vector<std::vector<SeenLink>>>;

inline std::string describe(const std::vector<const s4u::Host*>& hosts) {
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

inline SeenRoutes parse(const std::string& text, std::size_t num_hosts) {
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
inline SeenRoutes loaded(const std::string& xml, const Cluster& cluster) {
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

/// The same links on the way between every two hosts, in the same order, whatever they are called.
inline void check_same(const SeenRoutes& seen, const Cluster& cluster, bool with_latency) {
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

}  // namespace cadastre::test
