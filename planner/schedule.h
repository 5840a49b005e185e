#pragma once

#include <vector>

#include "planner/plan.h"

namespace cadastre {

/// One forward or backward pass of a stage over one micro-batch.
struct Pass {
  bool forward = true;
  int micro_batch = 0;
  bool operator==(const Pass&) const = default;
};

/// The order in which a stage works through the micro-batches of one step. Backward passes go in
/// ascending order under every schedule, so gradients are summed in one order.
/// `depth` is the number of stages on the longest way from this stage to the one with the loss, 0
/// there. Sources: GPipe, Huang et al. 2019; 1F1B (PipeDream-Flush), Narayanan et al. 2021,
/// with the longest way in the stage DAG in place of the position in a chain (GraphPipe, Jeon et
/// al. 2024).
[[nodiscard]] std::vector<Pass> stage_passes(Schedule schedule, int micro_batches, int depth);

}  // namespace cadastre
