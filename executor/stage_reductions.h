#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "executor/communicator.h"
#include "executor/gradient_watch.h"
#include "executor/stage_part.h"
#include "executor/stage_reducer.h"
#include "planner/program.h"

namespace cadastre {

[[nodiscard]] at::ScalarType scalar_type(WireDtype dtype);

/// A rank's part in the reductions of one stage: which tensors its buckets are, and when they are
/// complete.
class StageReductions {
 public:
  /// `part`: null on a rank that is the server or driver of reductions and no replica.
  StageReductions(const Program& program, int rank, int stage, StagePart* part,
                  Communicator& communicator);

  /// Runs the backward pass that is cut into buckets. Each bucket's reduction starts as soon as its
  /// gradients are final. Calls `read` at the end of each instruction that the pass stands for: of
  /// a bucket's part of the pass, then of its start, and so on.
  void run_last_backward(const std::function<void()>& backward, const std::function<void()>& read);

  void start(int bucket) { reducer_->start(static_cast<std::size_t>(bucket)); }

  /// Throws PeerLostError.
  void wait() { reducer_->wait(); }

 private:
  std::vector<int> watched_;  ///< buckets of gradients, in order
  std::unique_ptr<GradientWatch> watch_;
  std::unique_ptr<StageReducer> reducer_;
};

}  // namespace cadastre
