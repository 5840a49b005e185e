#pragma once

#include <cstdint>
#include <vector>

#include "executor/training_run.h"
#include "executor/training_schedule.h"
#include "executor/weights.h"
#include "planner/plan.h"
#include "planner/program.h"
#include "planner/scene.h"

namespace cadastre {

/// Everything that the ranks will read, seen to be sound before one of them starts.
struct CheckedRun {
  PlanDocument plan;
  Program program;
  std::vector<std::int64_t> peak_memory_bytes;  ///< predicted, by rank
  Scene scene;
  TrainingSchedule schedule;
  std::int64_t num_validation_samples = 0;
  Weights initial_weights;  ///< that an imported model was saved with; else empty
};

/// Throws InputError when plan, model and scene do not go together, when the plan's program cannot
/// be executed to its end, and when a host has not the memory that its part is predicted to take.
[[nodiscard]] CheckedRun check_run(const RunRequest& request);

/// The same with a plan that is not the request's file.
[[nodiscard]] CheckedRun check_run(const RunRequest& request, PlanDocument plan);

/// "rank 1 (host b, stages 0, 2)"
[[nodiscard]] std::string rank_name(const Program& program, int rank);

}  // namespace cadastre
