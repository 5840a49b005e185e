#include "simulator/communicating_pairs.h"

#include <cstddef>
#include <set>

#include "planner/collective.h"

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
  std::set<int> reduced_stages;
  for (std::size_t r = 0; r < program.ranks.size(); ++r)
    for (const Instruction& instruction : program.ranks[r].instructions) {
      if (is_send(instruction.kind)) add(static_cast<int>(r), instruction.peer);
      if (instruction.kind == InstructionKind::kStartReduction)
        reduced_stages.insert(instruction.stage);
    }
  for (const int stage : reduced_stages) {
    const std::vector<int> ranks = reducing_ranks(program, stage);
    const Collective collective(reduction_shape(program, stage));
    for (int round = 0; round < collective.num_rounds(); round += collective.num_alike(round))
      for (int place = 0; place < static_cast<int>(ranks.size()); ++place)
        for (const CollectiveMessage& message : collective.sends(place, round))
          add(ranks[static_cast<std::size_t>(message.from)],
              ranks[static_cast<std::size_t>(message.to)]);
  }
  return pairs;
}

}  // namespace

std::vector<std::pair<int, int>> communicating_pairs(const Program& program) {
  const std::set<std::pair<int, int>> pairs = pairs_of(program);
  return {pairs.begin(), pairs.end()};
}

}  // namespace cadastre
