#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "executor/launch/rank_link.h"
#include "planner/run_record.h"

namespace cadastre {

/// What a rank's own command line says; the rest comes from the coordinator.
struct RankOptions {
  std::filesystem::path scene;    ///< a scene's directory or document
  std::filesystem::path rasters;  ///< as `read_scene`
  std::string interface;          ///< as `RankPlace`
};

/// Takes the job from the coordinator, reports `ready` when the plan is checked and the data are
/// read, and trains: every step of every epoch through the rank's program. Tells the coordinator of
/// each step, and at the end what it remembers of them (`window`) and, as the first replica of a
/// stage, the stage's `weights`. Throws InputError for what makes a run impossible, all of it
/// before `ready`.
void train_as_rank(const RankOptions& options, RankLink& link);

/// The steps of an epoch and of the whole run. A last batch that is not full is left out.
struct StepCount {
  std::int64_t per_epoch = 0;
  std::int64_t total = 0;
};

/// Throws InputError when there are fewer training samples than a batch.
[[nodiscard]] StepCount step_count(const TrainingSettings& training, std::int64_t num_train_samples,
                                   std::int64_t batch_size);

}  // namespace cadastre
