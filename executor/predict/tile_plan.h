#pragma once

#include "executor/predict/tile_units.h"
#include "planner/model_graph.h"

namespace cadastre {

struct TilePlanOptions {
  std::int64_t batch_size = 256;
  int num_views = 1;
  /// Of a thread that scores windows of a dense network: what it reads and computes, at a time.
  std::int64_t most_working_bytes = std::int64_t{512} << 20;
};

/// How a scene is cut into tiles for a (checked) model. Pixel networks: tiles of 64 pixels, so that
/// the patches of a batch overlap and stay in cache. Dense ones: windows as large as
/// `most_working_bytes` allows (at least the model's own patch), that see a receptive field
/// around what is scored, or as much of it as leaves half the window to score, and are blended over
/// a quarter of their tile at most. Depends on nothing but its arguments: every host cuts alike.
[[nodiscard]] TileScoring plan_tiles(const ModelGraph& model, const Grid& grid,
                                     const std::vector<std::int64_t>& num_bands,
                                     const std::vector<std::int64_t>& scales,
                                     const TilePlanOptions& options);

}  // namespace cadastre
