#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "planner/placement/backward_pieces.h"
#include "planner/placement/piece_chain.h"
#include "planner/placement/piece_growth.h"

namespace cadastre {

/// How much one look for a placement may do before it becomes a partial one.
struct PieceEffort {
  std::size_t max_downsets = std::numeric_limits<std::size_t>::max();  ///< after as many devices
  std::size_t max_steps_per_downset = std::numeric_limits<std::size_t>::max();
};

/// What a look for a placement under a limit found.
struct PieceOutcome {
  std::optional<PieceChain> chain;
  /// Without a chain: no placement has a greatest load below this, which is the limit looked under
  /// or more when everything was looked at, and 0 when not. Infinite when there is no placement.
  double least_ms = 0;
};

/// Looks for a placement whose greatest load is at most a limit, exactly: from the empty downset
/// on, device by device, over all downsets that can be reached, each extended by every piece that
/// the next device can take. A piece grows group by group; what it is sure to pay for (its work,
/// and each output that crosses to groups placed before or refused for good) never falls, so growth
/// ends at the limit. Left out are
/// - downsets that leave too much work, or bytes, for the remaining devices;
/// - downsets that are reached again with no fewer devices left;
/// - pieces that can take one more group that no later device would miss: without it, no piece of
///   what follows can have a greater load, since the cut function of a hypergraph is submodular.
class PieceSearch {
 public:
  /// `backward` is asked about every piece unless its nodes follow the forward order.
  PieceSearch(const PieceGraph& graph, const Devices& devices, const BackwardPieces& backward);

  /// Ends early, without a chain and with `least_ms` 0, when `out_of_time` says so.
  [[nodiscard]] PieceOutcome within(double limit_ms, const PieceEffort& effort,
                                    const std::function<bool()>& out_of_time);

 private:
  class Run;

  PieceRules rules_;
  const BackwardPieces& backward_;
};

}  // namespace cadastre
