#pragma once

// Networks of every topology, small enough to look at all pairs of hosts.

#include <string>
#include <utility>
#include <vector>

#include "planner/cluster.h"

namespace cadastre::networks {

inline constexpr double kBytesPerS = 1e6;
inline constexpr double kLatency = 0.25;

/// Hosts "NAME1", "NAME2", … on a star of 1 MB/s and 0.25 s.
[[nodiscard]] inline Cluster hosts(int count, const std::string& name = "n") {
  Cluster cluster{.name = "test",
                  .description = "",
                  .hosts = {},
                  .network = {.bandwidth_bytes_per_s = kBytesPerS, .latency_s = kLatency}};
  for (int h = 1; h <= count; ++h) {
    cluster.hosts.emplace_back();
    cluster.hosts.back().name = name + std::to_string(h);
    cluster.hosts.back().memory_bytes = 1'000'000'000;
  }
  return cluster;
}

[[nodiscard]] inline Cluster wired(int num_hosts, Topology topology) {
  Cluster cluster = hosts(num_hosts);
  cluster.network.topology = std::move(topology);
  return cluster;
}

[[nodiscard]] inline Cable cable(const std::string& from, const std::string& to,
                                 double latency_s = kLatency,
                                 double bandwidth_bytes_per_s = kBytesPerS,
                                 Sharing sharing = Sharing::kSplitDuplex) {
  return {.link = {.name = from + "-" + to,
                   .bandwidth_bytes_per_s = bandwidth_bytes_per_s,
                   .latency_s = latency_s,
                   .sharing = sharing},
          .from = from,
          .to = to};
}

[[nodiscard]] inline NamedLink link(const std::string& name, Sharing sharing,
                                    double bandwidth_bytes_per_s = kBytesPerS,
                                    double latency_s = kLatency) {
  return {.name = name,
          .bandwidth_bytes_per_s = bandwidth_bytes_per_s,
          .latency_s = latency_s,
          .sharing = sharing};
}

/// Two classes: n1 and n2 behind a fat-pipe backbone, n3 and n4 behind a shared one, a shared WAN
/// between; n1 and n4 have a cable of their own.
[[nodiscard]] inline RouteLists two_sites() {
  RouteLists lists{
      .links = {link("bb1", Sharing::kFatPipe, 4e6, 0.125),
                link("bb2", Sharing::kShared, 2e6, 0.125), link("wan", Sharing::kShared, 5e5, 1),
                link("cable", Sharing::kSplitDuplex, 8e6, 0.0625)},
      .places = {},
      .between = {{.from = "one", .to = "one", .links = {"bb1"}},
                  {.from = "two", .to = "two", .links = {"bb2"}},
                  {.from = "one", .to = "two", .links = {"bb1", "wan", "bb2"}}},
      .routes = {{.from = "n1", .to = "n4", .links = {"cable:up"}}}};
  for (int h = 1; h <= 4; ++h) {
    const std::string name = "n" + std::to_string(h);
    lists.links.push_back(link("l" + std::to_string(h), Sharing::kSplitDuplex));
    lists.places.push_back({.name = name,
                            .place_class = h <= 2 ? "one" : "two",
                            .up = {"l" + std::to_string(h) + ":up"},
                            .down = {"l" + std::to_string(h) + ":down"}});
  }
  return lists;
}

/// Four switches in a square with two hosts each, one diagonal slow, a host with two cables.
[[nodiscard]] inline Graph square() {
  Graph graph{.switches = {"a", "b", "c", "d"},
              .cables = {cable("a", "b", 0.25), cable("b", "c", 0.25, 2e6, Sharing::kShared),
                         cable("c", "d", 0.25), cable("d", "a", 0.25, 4e6, Sharing::kFatPipe),
                         cable("a", "c", 0.75)}};
  const char* const switches[] = {"a", "a", "b", "b", "c", "c", "d", "d"};
  for (int h = 1; h <= 8; ++h)
    graph.cables.push_back(cable("n" + std::to_string(h), switches[h - 1], 0.125));
  graph.cables.push_back(cable("n8", "b", 0.0625));
  return graph;
}

/// The hosts 2k and 2k + 1 of a cluster on one machine, "mK".
inline void pair_up(Cluster& cluster) {
  for (std::size_t h = 0; h < cluster.hosts.size(); ++h) {
    const std::string name = "m" + std::to_string(h / 2);
    cluster.hosts[h].machine = name;
    if (h % 2 == 0)
      cluster.machines.push_back(
          {.name = name, .cores = 8, .memory_bandwidth_bytes_per_s = 64 * kBytesPerS});
  }
}

/// One of each kind and more.
[[nodiscard]] inline std::vector<Cluster> all() {
  Cluster cabled = wired(6, Torus{.dimensions = {3, 2}});
  cabled.network.direct_links = {
      {.from = "n1", .to = "n6", .bandwidth_bytes_per_s = 9e6, .latency_s = 0.5}};
  Cluster zoned = hosts(5);
  zoned.network.zones = {
      {.name = "z", .hosts = {"n1", "n2"}, .bandwidth_bytes_per_s = 5e5, .latency_s = 0.5}};
  Cluster windowed = wired(8, square());
  windowed.network.model = lv08_model();
  windowed.network.model.tcp_window_bytes = 2e5;
  Cluster star_of_machines = hosts(6);
  pair_up(star_of_machines);
  Cluster tree_of_machines = wired(8, FatTree{.down = {2, 2}, .up = {1, 2}, .parallel = {1, 1}});
  pair_up(tree_of_machines);
  return {
      hosts(4),
      zoned,
      cabled,
      windowed,
      star_of_machines,
      tree_of_machines,
      wired(8, FatTree{.down = {2, 2, 2}, .up = {1, 2, 2}, .parallel = {1, 2, 1}}),
      wired(12,
            FatTree{.down = {4, 3}, .up = {2, 2}, .parallel = {2, 1}, .sharing = Sharing::kShared}),
      wired(12, FatTree{.down = {4, 4}, .up = {1, 2}, .parallel = {1, 3}}),
      wired(8, FatTree{.down = {8}, .up = {1}, .parallel = {1}, .sharing = Sharing::kFatPipe}),
      wired(24, Torus{.dimensions = {4, 3, 2}}),
      wired(5, Torus{.dimensions = {5}, .sharing = Sharing::kShared}),
      wired(7, Torus{.dimensions = {1, 8}, .sharing = Sharing::kFatPipe}),
      wired(24, Dragonfly{.groups = 3, .group_links = 2, .routers = 4, .nodes = 2}),
      wired(24, Dragonfly{.groups = 2,
                          .chassis = 2,
                          .chassis_links = 3,
                          .routers = 3,
                          .nodes = 2,
                          .sharing = Sharing::kShared}),
      wired(8, square()),
      wired(4, two_sites())};
}

}  // namespace cadastre::networks
