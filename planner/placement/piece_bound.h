#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "planner/placement/piece_chain.h"

namespace cadastre {

/// The least load of any accelerator that has a given group: least over all sets of groups with it
/// and without those that are too far from it, so a minimum cut. A group that sends much to much
/// work is dear wherever it is.
class PieceBound {
 public:
  explicit PieceBound(const PieceGraph& graph);

  /// At most the load of an accelerator that has `group`, among loads up to `limit_ms`: under that
  /// limit it can have no group that a longer path of work leads to or from. Source: Dinic 1970, on
  /// the flow network of a hypergraph (Lawler 1973).
  [[nodiscard]] double least_load_ms(std::uint32_t group, double limit_ms);

 private:
  struct Arc {
    std::uint32_t to = 0;
    double capacity_ms = 0;
    double residual_ms = 0;
  };

  /// Takes all groups out that no accelerator under the limit can have together with `group`.
  void take_out_far_groups(std::uint32_t group, double limit_ms);
  void add_arc(std::uint32_t from, std::uint32_t to, double capacity_ms);
  bool find_levels(std::uint32_t source);
  double augment(std::uint32_t source);

  const PieceGraph& graph_;
  std::uint32_t sink_ = 0;
  double least_residual_ms_ = 0;  ///< less than this is rounding
  std::vector<Arc> arcs_;         ///< each followed by its reverse
  std::vector<std::vector<std::uint32_t>> arcs_from_;
  std::vector<std::uint32_t> level_;
  std::vector<std::uint32_t> next_arc_;
};

/// A bound below the greatest load of every placement, between a known one and the greatest load of
/// a known placement: the least load of a device that has a group, for groups where it may be more.
[[nodiscard]] double piece_bound_ms(const PieceGraph& graph, const Devices& devices,
                                    double known_bound_ms, double known_load_ms,
                                    const std::function<bool()>& out_of_time);

}  // namespace cadastre
