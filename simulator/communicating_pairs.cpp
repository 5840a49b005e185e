#include "simulator/communicating_pairs.h"

#include <cstddef>
#include <set>

namespace cadastre {

namespace {

std::set<std::pair<int, int>> pairs_of(const Program& program) {
  std::set<std::pair<int, int>> pairs;
  const auto host = [&](int rank) {
    return program.ranks[static_cast<std::size_t>(rank)].host_index;
  };
  const auto add = [&](int from, int to) {
    if (host(from) != host(to)) pairs.emplace(host(from), host(to));
  };
  for (std::size_t r = 0; r < program.ranks.size(); ++r)
    for (const Instruction& instruction : program.ranks[r].instructions) {
      if (is_send(instruction.kind)) add(static_cast<int>(r), instruction.peer);
      if (instruction.kind != InstructionKind::kReduceGradients) continue;
      const std::vector<int>& ring =
          program.stage_ranks[static_cast<std::size_t>(instruction.stage)];
      for (std::size_t i = 0; i < ring.size(); ++i) add(ring[i], ring[(i + 1) % ring.size()]);
    }
  return pairs;
}

}  // namespace

std::vector<std::pair<int, int>> communicating_pairs(const Program& program) {
  const std::set<std::pair<int, int>> pairs = pairs_of(program);
  return {pairs.begin(), pairs.end()};
}

std::vector<std::pair<int, int>> communicating_pairs(const Program& program,
                                                     const Conditions& conditions,
                                                     const Cluster& cluster) {
  std::set<std::pair<int, int>> pairs = pairs_of(program);
  for (const BackgroundTraffic& traffic : conditions.background_traffic)
    pairs.emplace(host_index(cluster, traffic.from), host_index(cluster, traffic.to));
  return {pairs.begin(), pairs.end()};
}

}  // namespace cadastre
