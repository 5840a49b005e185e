#include "executor/probe/way_schedule.h"

#include <algorithm>

namespace cadastre {

namespace {

/// One player stays, the others move round the table by one seat; with an odd number, who meets
/// the empty chair pauses.
WayRound circle_round(const std::vector<int>& players, int round) {
  const auto num_players = static_cast<int>(players.size());
  const int num_seats = num_players + num_players % 2;
  const auto player_at = [&](int seat) {
    return seat == 0 ? 0 : 1 + (seat - 1 + round) % (num_seats - 1);
  };
  WayRound pairs;
  for (int seat = 0; seat < num_seats / 2; ++seat) {
    const int a = player_at(seat);
    const int b = player_at(num_seats - 1 - seat);
    if (std::max(a, b) >= num_players) continue;
    pairs.emplace_back(players[static_cast<std::size_t>(std::min(a, b))],
                       players[static_cast<std::size_t>(std::max(a, b))]);
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

}  // namespace

std::vector<WayRound> way_rounds(const std::vector<int>& machine_of_rank, int most_rounds) {
  std::vector<std::vector<int>> ranks_of;
  for (std::size_t rank = 0; rank < machine_of_rank.size(); ++rank) {
    const auto machine = static_cast<std::size_t>(machine_of_rank[rank]);
    ranks_of.resize(std::max(ranks_of.size(), machine + 1));
    ranks_of[machine].push_back(static_cast<int>(rank));
  }
  std::vector<WayRound> rounds;
  WayRound within;
  std::vector<int> first_ranks;
  for (const std::vector<int>& ranks : ranks_of) {
    first_ranks.push_back(ranks[0]);
    if (ranks.size() > 1) within.emplace_back(ranks[0], ranks[1]);
  }
  if (!within.empty()) rounds.push_back(within);
  const auto num_machines = static_cast<int>(first_ranks.size());
  if (num_machines < 2) return rounds;
  const int all_rounds = num_machines + num_machines % 2 - 1;
  const int num_rounds = std::min(all_rounds, most_rounds);
  for (int i = 0; i < num_rounds; ++i)
    rounds.push_back(circle_round(first_ranks, i * all_rounds / num_rounds));
  return rounds;
}

}  // namespace cadastre
