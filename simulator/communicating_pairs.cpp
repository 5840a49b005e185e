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
  std::set<int> reducing_stages;
  for (std::size_t r = 0; r < program.ranks.size(); ++r)
    for (const Instruction& instruction : program.ranks[r].instructions) {
      if (is_send(instruction.kind)) add(static_cast<int>(r), instruction.peer);
      if (instruction.kind != InstructionKind::kReduceGradients) continue;
      reducing_stages.insert(instruction.stage);
    }
  for (const int stage : reducing_stages) {
    const Collective collective(reduction_shape(program, stage));
    const std::vector<int> ranks = reducing_ranks(program, stage);
    const auto rank_of = [&](int place) { return ranks[static_cast<std::size_t>(place)]; };
    for (int round = 0; round < collective.num_rounds(); round += collective.num_alike(round))
      for (int place = 0; place < collective.num_places(); ++place)
        for (const CollectiveMessage& message : collective.sends(place, round))
          add(rank_of(message.from), rank_of(message.to));
  }
  return pairs;
}

}  // namespace

std::vector<std::pair<int, int>> communicating_pairs(const Program& program) {
  const std::set<std::pair<int, int>> pairs = pairs_of(program);
  return {pairs.begin(), pairs.end()};
}

}  // namespace cadastre
