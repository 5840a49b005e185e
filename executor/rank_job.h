#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "executor/rank_environment.h"
#include "planner/run_record.h"

namespace cadastre {

/// What a rank must know to train its part, the same for all ranks but for `environment`.
struct RankJob {
  std::filesystem::path plan;     ///< a `cadastre-plan` document
  std::filesystem::path scene;    ///< a scene's directory or document
  std::filesystem::path rasters;  ///< as `read_scene`
  std::filesystem::path parts;    ///< directory for what this rank leaves to the launcher
  TrainingSettings training;
  int num_threads = 1;
  RankEnvironment environment;
};

/// Throws InputError when the number of ranks is not the plan's. Trains: every step of every epoch
/// through the rank's program. Tells the launcher of each step. Leaves in `parts`: `rank-R.json`, a
/// part timeline of the last steps, and, from the first replica of each stage, `stage-S.pt`.
void run_rank(const RankJob& job);

/// The steps of an epoch and of the whole run. A last batch that is not full is left out.
struct StepCount {
  std::int64_t per_epoch = 0;
  std::int64_t total = 0;
};

/// Throws InputError when there are fewer training samples than a batch.
[[nodiscard]] StepCount step_count(const TrainingSettings& training, std::int64_t num_train_samples,
                                   std::int64_t batch_size);

}  // namespace cadastre
