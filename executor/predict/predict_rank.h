#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "executor/launch/rank_link.h"
#include "executor/predict/prediction_job.h"
#include "executor/predict/tile_units.h"
#include "executor/predict/window_source.h"

namespace cadastre {

/// What a rank's own command line says; the rest comes from the coordinator.
struct PredictRankOptions {
  std::filesystem::path scene;    ///< document or directory; empty: the coordinator tells
  std::filesystem::path rasters;  ///< as `read_scene`
  std::string interface;          ///< as `RankPlace`
};

/// Takes the job from the coordinator, reports `ready` when its part of the network and its rasters
/// are open, and scores the tiles that it is sent until it is told that there are no more: whole,
/// or its part of them (see `UnitPipeline`). Throws InputError for what makes it impossible.
void predict_as_rank(const PredictRankOptions& options, RankLink& link);

/// How the scene looks where `source`, of these inputs of the model, opens it: at the window of the
/// middle tile.
[[nodiscard]] std::vector<InputGlance> glances(const WindowSource& source,
                                               const std::vector<int>& inputs,
                                               const TileGrid& tiles);

/// Two grids of equal text have equal pixels.
[[nodiscard]] std::string grid_text(const Grid& grid);

}  // namespace cadastre
