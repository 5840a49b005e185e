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
/// read, and trains: every step through the rank's program. Tells the coordinator of each step, and
/// at the end what it remembers of them (`window`) and, as the first replica of a stage, the stage's
/// `weights`.
///
/// Where there are validation samples, it also sends the stage's weights now and then (`candidate`),
/// and trains on while the coordinator validates them. The verdict on one is waited for when the
/// next is due: the steps that are done never depend on who is faster. Throws InputError for what makes a run impossible, all of it
/// before `ready`.
void train_as_rank(const RankOptions& options, RankLink& link);

}  // namespace cadastre
