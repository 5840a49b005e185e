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

/// The order in which a stage that has its hosts to itself works through the micro-batches of one
/// step. Backward passes go in ascending order under every schedule, so gradients are summed in one
/// order. `depth` is the number of stages on the longest way from this stage to the one with the
/// loss, 0 there. Sources: GPipe, Huang et al. 2019; 1F1B (PipeDream-Flush), Narayanan et al. 2021,
/// with the longest way in the stage DAG in place of the position in a chain (GraphPipe, Jeon et
/// al. 2024); eager 1F1B, Zhuang et al. 2023: twice the forward passes in advance, so that
/// transfers and unequal stages do not stall it.
[[nodiscard]] std::vector<Pass> stage_passes(Schedule schedule, int micro_batches, int depth);

/// The most micro-batches that a stage holds between forward and backward.
[[nodiscard]] int most_in_flight(Schedule schedule, int micro_batches, int depth);

/// A pass of one of a rank's stages.
struct StagePass {
  int stage = 0;
  Pass pass;
  bool operator==(const StagePass&) const = default;
};

/// What `rank_passes` needs of a stage.
struct ScheduledStage {
  int depth = 0;                ///< as for `stage_passes`
  double forward_s = 1;         ///< of one pass; what counts is how these compare
  double backward_s = 2;        ///< recomputation included
  std::vector<int> ranks;       ///< that serve it, in replica order
  std::vector<int> successors;  ///< stages that read its output
};

/// Interleaved 1F1B: for each rank, the order of the passes of all its stages. Each stage holds as
/// many micro-batches as under eager 1F1B; a rank that is free does a backward pass if one can
/// begin, but after one a forward pass first; which stage's, goes in rounds of as many
/// micro-batches as there are ranks. Worked out by playing one step with the passes' predicted
/// times and no transfers: the ranks' orders go together by construction. On a chain of equal
/// stages dealt out in turns, with micro-batches in whole rounds, its bubble is that of the
/// interleaved schedule of Narayanan et al. 2021 (section 2.2): (hosts - 1) passes of one stage.
[[nodiscard]] std::vector<std::vector<StagePass>> interleaved_passes(
    const std::vector<ScheduledStage>& stages, int num_ranks, int micro_batches);

}  // namespace cadastre
