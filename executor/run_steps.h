#pragma once

#include <cstdint>
#include <vector>

#include "executor/rank_channel.h"
#include "planner/run_record.h"

namespace cadastre {

/// Puts together what the ranks say of each step.
class RunSteps {
 public:
  RunSteps(int num_ranks, std::int64_t batch_size, std::int64_t num_steps);

  void add(const RankMessage& message);

  [[nodiscard]] std::int64_t num_complete() const { return num_complete_; }

  /// Mean loss of a complete step over its global batch.
  [[nodiscard]] double loss(std::int64_t step) const;

  /// When the last rank ended each complete step, on the steady clock.
  [[nodiscard]] std::vector<double> ends_s() const;

  /// Seconds of each step after the first: from the end of the one before.
  [[nodiscard]] std::vector<double> durations_s() const;

 private:
  struct Step {
    int num_ranks = 0;
    double loss_sum = 0;
    double end_s = 0;
  };

  int num_ranks_;
  std::int64_t batch_size_;
  std::int64_t num_complete_ = 0;
  std::vector<Step> steps_;
};

}  // namespace cadastre
