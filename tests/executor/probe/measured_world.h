#pragma once

// Measurements of clusters that do not exist, to be changed one number at a time.

#include <algorithm>
#include <string>
#include <vector>

#include "executor/probe/measurements.h"

namespace cadastre::test {

/// Equal hosts node1, node2, … of four cores, machines of their own on links of 1 Gbit/s and 25 us.
inline ProbeMeasurements measured_world(int num_hosts) {
  ProbeMeasurements world{.model = "net", .num_samples = 32, .reference = "node1"};
  world.reference_s = 0.1;
  for (int h = 0; h < num_hosts; ++h) {
    ProbedHost host;
    host.name = "node" + std::to_string(h + 1);
    host.address = "10.0.0." + std::to_string(h + 1);
    host.facts.name = host.name;
    host.facts.addresses = {host.address};
    host.facts.cores = 4;
    host.facts.machine_cores = 4;
    host.facts.processor = "Processor 9";
    host.facts.available_memory_bytes = 8'000'000'000;
    host.facts.machine_id = "machine " + std::to_string(h + 1);
    host.num_threads = 4;
    host.pass = {.median_s = 0.1, .spread_s = 0.001};
    world.hosts.push_back(host);
  }
  for (int from = 0; from < num_hosts; ++from)
    for (int to = 0; to < num_hosts; ++to)
      if (from != to)
        world.ways.push_back(
            {.from = from, .to = to, .latency_s = 50e-6, .bandwidth_bytes_per_s = 125e6});
  return world;
}

/// Multiplies the bandwidth of the ways that `chosen(from, to)` says.
template <typename Chosen>
void scale_ways(ProbeMeasurements& world, double factor, const Chosen& chosen) {
  for (ProbedWay& way : world.ways)
    if (chosen(way.from, way.to)) way.bandwidth_bytes_per_s *= factor;
}

/// Puts the hosts on one machine.
inline void put_together(ProbeMeasurements& world, const std::vector<std::size_t>& hosts) {
  for (const std::size_t h : hosts) world.hosts[h].facts = world.hosts[hosts.front()].facts;
}

}  // namespace cadastre::test
