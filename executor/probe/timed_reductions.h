#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "executor/all_reduce.h"
#include "executor/communicator.h"

namespace cadastre {

/// Reductions over all ranks, as runs have them.
class TimedReductions {
 public:
  TimedReductions(Communicator& communicator, int rank, int num_ranks, std::int64_t num_elements);

  /// Seconds of each, begun by all ranks together; all call this.
  [[nodiscard]] std::vector<double> time(std::int64_t num_reductions);

  /// One, begun as soon as this rank comes to it.
  void run() { all_reduce_.run(communicator_); }

 private:
  Communicator& communicator_;
  at::Tensor gradients_;
  TensorAllReduce all_reduce_;
};

/// Rank 0's number, on all ranks, which all call this.
[[nodiscard]] std::int64_t agreed(Communicator& communicator, int rank, std::int64_t number);

}  // namespace cadastre
