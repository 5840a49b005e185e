#pragma once

#include <cstdint>
#include <vector>

#include "planner/placement/piece_graph.h"
#include "planner/placement/placement_problem.h"

namespace cadastre {

/// Tells whether the backward nodes of a piece are contiguous: no path of backward nodes leaves the
/// piece and comes back.
class BackwardPieces {
 public:
  BackwardPieces(const PlacementProblem& problem, const PieceGraph& graph);

  /// True when all edges between backward nodes go against the order of the forward pass, or all go
  /// along with it: then a piece that is contiguous forward is so backward. May be false where a
  /// long proof would be needed.
  [[nodiscard]] bool follow_forward() const { return follow_forward_; }

  /// Whether they are in the piece of the groups with `in_piece[group] != 0`.
  [[nodiscard]] bool contiguous(const std::vector<char>& in_piece) const;

 private:
  std::vector<std::uint32_t> order_;  ///< backward nodes, each after those it reads
  Rows sources_;                      ///< of each node: the backward nodes it reads
  std::vector<std::uint32_t> group_of_;
  bool follow_forward_ = true;
};

}  // namespace cadastre
