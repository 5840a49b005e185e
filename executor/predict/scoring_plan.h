#pragma once

#include <optional>
#include <string>
#include <vector>

#include "executor/predict/map_prediction.h"
#include "executor/predict/tile_units.h"
#include "planner/inference_program.h"
#include "planner/run_record.h"

namespace cadastre {

/// On which ranks a scene is to be scored.
struct ScoringPlan {
  InferenceProgram program;
  std::vector<int> planned_cores;  ///< [rank]; empty: those that each machine has
  std::vector<std::string> addresses;  ///< [rank] of its host; may be empty texts
  std::optional<double> predicted_pixels_per_s;
};

/// What `request` asks for: the stages and hosts of its plan; without one, a rank with the whole
/// network on each machine of the hosts file, of the launcher, or, of `num_local_ranks`, here.
/// Nothing where this process is to do it alone. Throws InputError.
[[nodiscard]] std::optional<ScoringPlan> scoring_plan(const PredictRequest& request,
                                                      const RunRecord& run,
                                                      const TileScoring& scoring);

}  // namespace cadastre
