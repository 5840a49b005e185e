#pragma once

#include <functional>
#include <optional>

#include "planner/placement/piece_chain.h"

namespace cadastre {

/// The best placement found among those whose pieces are stretches of one of a few topological
/// orders, each filled as far as a limit allows; nothing when none of them fits in memory. Fast on
/// any graph, and rarely far from the best. `out_of_time` is asked now and then; the first order is
/// looked at in any case.
[[nodiscard]] std::optional<PieceChain> best_linear_pieces(
    const PieceGraph& graph, const Devices& devices, const std::function<bool()>& out_of_time);

}  // namespace cadastre
