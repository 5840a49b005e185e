#pragma once

#include <functional>
#include <optional>

#include "planner/placement/placement.h"
#include "planner/placement/placement_problem.h"

namespace cadastre {

struct PlacementOptions {
  double time_limit_s = 10;
  /// Called now and then with the seconds searched so far.
  std::function<void(double searched_s)> on_progress = {};
};

struct PlacementResult {
  /// Nothing when none was found that fits in memory.
  std::optional<Placement> placement;
  double max_load_ms = 0;
  double lower_bound_ms = 0;  ///< no placement has a smaller greatest load
  /// True when the search ended by itself: the lower bound is the load, up to rounding (a part of
  /// 10^-9). Without a placement: `missing_bytes` is the least possible.
  bool proven_optimal = false;
  double search_s = 0;
  bool fits_nowhere = false;  ///< proven: no placement fits in memory
  double missing_bytes =
      0;  ///< without a placement: what the fullest accelerator of the best lacks
};

/// The placement whose greatest load is least, exactly when the search ends by itself; at the time
/// limit the best one found and a lower bound. Halves the interval between the two by looking for
/// placements under a limit (`PieceSearch`), at first with a small effort. Takes a little over the
/// time limit at most, and some hundred MB, on any problem.
[[nodiscard]] PlacementResult search_placement(const PlacementProblem& problem,
                                               const PlacementOptions& options);

}  // namespace cadastre
