#pragma once

#include <utility>
#include <vector>

namespace cadastre {

/// Pairs of ranks that measure the ways between them at the same time.
using WayRound = std::vector<std::pair<int, int>>;

/// Rounds in which no machine is in two pairs. First, on each machine of several ranks, the first
/// two of them; then the first ranks of the machines, each with each, by the circle method of
/// round-robin tournaments. Where that would be more than `most_rounds`, as many of these, spread
/// evenly: then each machine still measures with as many others.
[[nodiscard]] std::vector<WayRound> way_rounds(const std::vector<int>& machine_of_rank,
                                               int most_rounds);

}  // namespace cadastre
