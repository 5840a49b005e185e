#pragma once

// The cost model once more, as slowly and plainly as can be: what plans cost is checked by two.

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "planner/cluster.h"
#include "planner/program.h"
#include "planner/program_costs.h"

namespace cadastre::reference {

/// Seconds of the second of two steps: again and again, the rank with the least clock of those that
/// can go on executes one instruction.
[[nodiscard]] inline double step_seconds(const Program& program, const ProgramCosts& costs,
                                         const Cluster& cluster) {
  constexpr int kSteps = 2;

  struct Rank {
    double clock_s = 0;
    std::size_t next = 0;
    int step = 0;
    double end_s[kSteps] = {0, 0};
    double waited_s = 0;
    std::map<InstructionKind, double> waited_until_s;  // when it last began one
    std::map<InstructionKind, double> part_lost;       // of that one
  };

  std::vector<Rank> ranks(program.ranks.size());
  std::map<std::pair<int, int>, double> arrivals_s;  // (step, message)

  // (step, stage): the buckets by number, each with its bytes and when which rank started it
  struct Bucket {
    std::int64_t bytes = 0;
    std::map<std::size_t, double> started_s;
  };

  std::map<std::pair<int, int>, std::map<int, Bucket>> reductions;
  std::map<std::string, double> free_s;  // half links by name

  // What each would let through at once when it became free.
  struct Tokens {
    double bytes = 0;
    double at_s = 0;
  };

  std::map<std::string, Tokens> tokens;
  const std::vector<int> zones = host_zones(cluster);

  const auto transfer = [&](const Rank& rank, const RankProgram& from, const Instruction& what) {
    const int a = from.host_index;
    const int b = program.ranks[static_cast<std::size_t>(what.peer)].host_index;
    if (a == b) return rank.clock_s;
    const Route route = route_between(cluster, a, b);
    const auto bytes = static_cast<double>(what.bytes);
    double start_s = rank.clock_s;
    if (!route.direct) {
      std::map<std::string, double> held;  // half link -> its bandwidth
      const auto bandwidth = [&](int host) {
        return cluster.hosts[static_cast<std::size_t>(host)].bandwidth_bytes_per_s.value_or(
            cluster.network.bandwidth_bytes_per_s);
      };
      held["host " + std::to_string(a) + " out"] = bandwidth(a);
      held["host " + std::to_string(b) + " in"] = bandwidth(b);
      const int za = zones[static_cast<std::size_t>(a)];
      const int zb = zones[static_cast<std::size_t>(b)];
      if (za != zb) {
        const auto uplink = [&](int z) {
          return cluster.network.zones[static_cast<std::size_t>(z)].bandwidth_bytes_per_s;
        };
        if (za >= 0) held["zone " + std::to_string(za) + " out"] = uplink(za);
        if (zb >= 0) held["zone " + std::to_string(zb) + " in"] = uplink(zb);
      }
      for (const auto& [link, speed] : held) start_s = std::max(start_s, free_s[link]);
      const double burst = cluster.network.burst_bytes;
      double end_s = start_s + std::max(0.0, bytes - burst) / route.bandwidth_bytes_per_s;
      for (const auto& [link, speed] : held) {
        Tokens& of_link = tokens.try_emplace(link, Tokens{.bytes = burst}).first->second;
        const double there = std::min(burst, of_link.bytes + (start_s - of_link.at_s) * speed);
        free_s[link] = start_s + std::max(0.0, bytes - there) / speed;
        of_link = {.bytes = std::max(0.0, there - bytes), .at_s = free_s[link]};
        end_s = std::max(end_s, free_s[link]);
      }
      return end_s + route.latency_s;
    }
    return start_s + bytes / route.bandwidth_bytes_per_s + route.latency_s;
  };
  const auto ring_s = [&](const std::vector<int>& members, std::int64_t bytes) {
    const std::size_t n = members.size();
    double slowest_s = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const auto host = [&](std::size_t k) {
        return program.ranks[static_cast<std::size_t>(members[k % n])].host_index;
      };
      const Route route = route_between(cluster, host(i), host(i + 1));
      slowest_s = std::max(slowest_s, route.latency_s + static_cast<double>(bytes) /
                                                            static_cast<double>(n) *
                                                            (1 / route.bandwidth_bytes_per_s +
                                                             cluster.network.reduction_s_per_byte));
    }
    return 2 * static_cast<double>(n - 1) * slowest_s;
  };

  while (true) {
    std::size_t chosen = ranks.size();
    for (std::size_t r = 0; r < ranks.size(); ++r) {
      const std::vector<Instruction>& instructions = program.ranks[r].instructions;
      if (ranks[r].step == kSteps || instructions.empty()) continue;
      const Instruction& what = instructions[ranks[r].next];
      if (is_receive(what.kind) && !arrivals_s.contains({ranks[r].step, what.message})) continue;
      if (what.kind == InstructionKind::kReduceGradients) {
        bool through = true;
        for (const auto& [number, bucket] : reductions[{ranks[r].step, what.stage}])
          if (bucket.started_s.size() <
              program.stage_ranks[static_cast<std::size_t>(what.stage)].size())
            through = false;
        if (!through) continue;
      }
      if (chosen == ranks.size() || ranks[r].clock_s < ranks[chosen].clock_s) chosen = r;
    }
    if (chosen == ranks.size()) break;
    Rank& rank = ranks[chosen];
    const RankProgram& of_rank = program.ranks[chosen];
    const Instruction& what = of_rank.instructions[rank.next];
    if (is_send(what.kind)) {
      arrivals_s[{rank.step, what.message}] = transfer(rank, of_rank, what);
    } else if (is_receive(what.kind)) {
      const double arrival_s = arrivals_s.at({rank.step, what.message});
      rank.waited_s += std::max(0.0, arrival_s - rank.clock_s);
      rank.clock_s = std::max(rank.clock_s, arrival_s);
    } else if (what.kind == InstructionKind::kReduceGradients) {
      double through_s = 0;
      for (const auto& [number, bucket] : reductions.at({rank.step, what.stage})) {
        for (const auto& [member, started_s] : bucket.started_s)
          through_s = std::max(through_s, started_s);
        through_s +=
            ring_s(program.stage_ranks[static_cast<std::size_t>(what.stage)], bucket.bytes);
      }
      rank.waited_s += std::max(0.0, through_s - rank.clock_s);
      rank.clock_s = std::max(rank.clock_s, through_s);
    } else if (what.kind == InstructionKind::kStartReduction) {
      Bucket& bucket = reductions[{rank.step, what.stage}][what.bucket];
      bucket.bytes = what.bytes;
      bucket.started_s[chosen] = rank.clock_s;
    } else {
      if (what.bucket < 1) {
        const double since_s = rank.waited_s - rank.waited_until_s[what.kind];
        rank.waited_until_s[what.kind] = rank.waited_s;
        rank.part_lost[what.kind] =
            costs.after_waiting_s.empty() ? 0 : 1 - std::exp(-since_s / costs.wait_constant_s);
      }
      rank.clock_s += costs.seconds[chosen][rank.next];
      if (!costs.after_waiting_s.empty())
        rank.clock_s += rank.part_lost[what.kind] * costs.after_waiting_s[chosen][rank.next];
    }
    if (++rank.next == of_rank.instructions.size()) {
      rank.end_s[rank.step++] = rank.clock_s;
      rank.next = 0;
    }
  }
  double step_s = 0;
  for (const Rank& rank : ranks) step_s = std::max(step_s, rank.end_s[1] - rank.end_s[0]);
  return step_s;
}

}  // namespace cadastre::reference
