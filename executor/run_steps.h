#pragma once

#include <cstdint>
#include <vector>

#include "executor/training_job.h"

namespace cadastre {

/// Puts together what the ranks say of each step.
class RunSteps {
 public:
  RunSteps(int num_ranks, std::int64_t batch_size, std::int64_t num_steps);

  /// These steps were done before, the last of them at `now_s`.
  void restore(const std::vector<double>& losses, const std::vector<double>& ends_s, double now_s);

  /// `end_s` of the report on the coordinator's clock.
  void add(int rank, const StepReport& report);

  [[nodiscard]] std::int64_t num_complete() const { return num_complete_; }

  [[nodiscard]] std::int64_t num_steps() const { return static_cast<std::int64_t>(steps_.size()); }

  /// There will be so many steps, no more than was thought before.
  void end_after(std::int64_t num_steps);

  /// Mean loss of a complete step over its global batch.
  [[nodiscard]] double loss(std::int64_t step) const;

  /// Bytes that all ranks sent in a complete step.
  [[nodiscard]] std::int64_t sent_bytes(std::int64_t step) const;

  /// The rank that computed longest in a complete step.
  [[nodiscard]] int slowest_rank(std::int64_t step) const;

  /// When the last rank ended a complete step.
  [[nodiscard]] double end_s(std::int64_t step) const {
    return steps_[static_cast<std::size_t>(step)].end_s;
  }

  /// When the last rank ended each complete step, on the steady clock.
  [[nodiscard]] std::vector<double> ends_s() const;

  /// Seconds of each step after the first: from the end of the one before.
  [[nodiscard]] std::vector<double> durations_s() const;

 private:
  struct Step {
    int num_ranks = 0;
    double loss_sum = 0;
    double end_s = 0;
    double longest_busy_s = -1;
    int slowest_rank = 0;
    std::int64_t sent_bytes = 0;
  };

  int num_ranks_;
  std::int64_t batch_size_;
  std::int64_t num_complete_ = 0;
  std::vector<Step> steps_;
};

}  // namespace cadastre
