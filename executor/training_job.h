#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "executor/launch/frame.h"
#include "planner/run_record.h"

namespace cadastre {

/// What the coordinator of a run tells a rank to do.
struct TrainingJob {
  int rank = 0;
  int num_threads = 1;
  bool has_other_machines = false;
  TrainingSettings training;
  std::int64_t first_step = 0;        ///< steps before it are done
  bool is_given_state = false;        ///< a `resume` frame follows for each of its parts
  std::int64_t checkpoint_every = 0;  ///< steps; 0: never
  bool awaits_verdict = false;        ///< a verdict on weights before `first_step` is to come
  std::string plan;                   ///< the text of the `cadastre-plan` document
};

[[nodiscard]] Frame to_frame(const TrainingJob& job);
/// Throws FrameError when it is none.
[[nodiscard]] TrainingJob training_job_from(const Frame& frame);

/// What a rank says of a step that it has ended.
struct StepReport {
  std::int64_t step = 0;
  double loss_sum = 0;  ///< over the rank's samples of the step
  double end_s = 0;     ///< on the rank's steady clock
  double busy_s = 0;    ///< computing
  std::int64_t sent_bytes = 0;
};

[[nodiscard]] Frame to_frame(const std::vector<StepReport>& reports);
[[nodiscard]] std::vector<StepReport> step_reports_from(const Frame& frame);

}  // namespace cadastre
