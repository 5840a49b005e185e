#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "planner/cluster.h"
#include "planner/plan.h"
#include "planner/profile.h"

namespace cadastre {

/// What a model costs on a host, and on whole processors at the same moments.
struct HostProfile {
  Profile on_host;
  Profile on_whole;
};

/// Of a testbed's hosts, that what is measured on one holds for the other.
[[nodiscard]] bool are_stated_alike(const Host& a, const Host& b);

/// By whose processors the models of a testbed's hosts are profiled: the first of whole ones, or
/// the first of all where none has.
[[nodiscard]] std::size_t profiled_host(const Cluster& stated);

/// With how many threads the models of a testbed's hosts are profiled: as many as that host
/// computes with; 1 where none has whole processors.
[[nodiscard]] int profiled_threads(const Cluster& stated);

/// A testbed's processors while models are profiled by some of them.
struct ProfiledProcessors {
  std::vector<int> own;     ///< as many as there are threads, of the profiled host
  std::vector<int> others;  ///< of all hosts; one that several have is there as often
};

/// `of_hosts`: to which processors each host is bound, by name.
[[nodiscard]] ProfiledProcessors profiled_processors(
    const Cluster& stated, int num_threads,
    const std::map<std::string, std::vector<int>>& of_hosts);

/// A testbed's hosts that have parts of processors, or another number of them than profiles have
/// threads, one of those of each speed and number of cores: how fast these are has to be measured.
/// A part of a processor is less than it says: what takes the rest costs what runs there caches and
/// switches, too. So are several processors, which wait for each other.
[[nodiscard]] std::vector<std::size_t> hosts_to_measure(const Cluster& stated);

/// How fast a host is relative to another by two profiles of one model, at the same sizes of batch,
/// on each: by the seconds of a sample through the whole network, all sizes alike.
[[nodiscard]] double relative_speed(const Profile& on_host, const Profile& on_other);

/// A testbed's cluster, where a host's speed is that of each of its cores, as one of hosts as fast
/// as their models' profiles say: with those speeds, by host, of the hosts and of all that are
/// stated to be like them, and in proportion to their cores of others. Their speed for messages is
/// what it was.
[[nodiscard]] Cluster with_speeds(const Cluster& stated,
                                  const std::map<std::size_t, double>& speeds);

/// The document's cluster, with the hosts that profiles stand for, and those stated to be like
/// them, as fast as these say at what the document's plan has each compute: a slow host's small
/// passes may be slower than its large ones.
[[nodiscard]] Cluster with_speeds_at_work(const PlanDocument& document, const Cluster& stated,
                                          const std::map<std::size_t, HostProfile>& on_hosts);

/// The cluster whose hosts take these times as long for all that they compute, by name; others as
/// long as before.
[[nodiscard]] Cluster slowed(const Cluster& cluster, const std::map<std::string, double>& factors);

/// The cluster whose hosts take `part` of the way from the seconds that they take alone to those
/// that they take beside others, and likewise vary, given both: with equal hosts but for that.
[[nodiscard]] Cluster between(const Cluster& alone, const Cluster& beside, double part);

}  // namespace cadastre
