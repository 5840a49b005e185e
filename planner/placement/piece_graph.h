#pragma once

#include <cstdint>
#include <vector>

#include "planner/graph/rows.h"
#include "planner/placement/placement_problem.h"

namespace cadastre {

/// A placement problem as the search sees it: groups of nodes that share a device in some best
/// placement, numbered so that every group comes after those it depends on. The pieces of a
/// placement are the differences along a chain of downsets of groups.
struct PieceGraph {
  std::vector<double> accelerator_ms;
  std::vector<double> cpu_ms;
  std::vector<double> size_bytes;
  std::vector<char> runs_on_accelerator;
  Rows predecessors;
  Rows successors;
  /// A net is the groups that write or read one output: an accelerator pays `net_ms` when it has
  /// some of them and not all. Nets of the same groups are one.
  Rows groups_of_net;
  Rows nets_of_group;
  std::vector<double> net_ms;
  std::vector<std::uint32_t> group_of_node;  ///< by node of the problem

  [[nodiscard]] std::size_t num_groups() const { return accelerator_ms.size(); }
};

enum class Simplify {
  kNo,   ///< only what the problem says must share a device does
  kYes,  ///< also what does in some best placement
};

/// `kYes` needs a problem whose backward nodes are contiguous wherever the forward nodes are (see
/// backward_pieces.h).
[[nodiscard]] PieceGraph make_piece_graph(const PlacementProblem& problem, Simplify simplify);

}  // namespace cadastre
