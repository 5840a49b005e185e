#include "executor/predict/tile_plan.h"

#include <algorithm>
#include <cmath>

#include "executor/predict/patch_program.h"
#include "planner/receptive_field.h"

namespace cadastre {

namespace {

constexpr std::int64_t kPixelTile = 64;
constexpr std::int64_t kMostRamp = 32;
constexpr std::int64_t kFewestPixelsOfRow = 16;  // a strip of a tile is wider, but for the last

/// What a thread holds for one patch of a dense network: the tensors that some layer has yet to
/// read, at the layer where they are most, and the inputs five times over (read from the rasters,
/// mirrored at the border, waiting, being scored, and as the network's own).
///
/// Measured with 48, 2 × 2² and 3 × 4² bands, 8 and 12 channels, one thread: 3.2 kB a pixel between
/// windows of 160 and 512 pixels, GDAL's cache of blocks in it, where this says 2.6 kB.
double working_bytes(const ModelGraph& model) {
  constexpr double kCopiesOfInputs = 5;
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  std::vector<std::size_t> last_read(model.layers.size(), model.layers.size());
  for (std::size_t i = 0; i < sources.size(); ++i)
    for (const Source& source : sources[i])
      if (!source.is_model_input) last_read[static_cast<std::size_t>(source.index)] = i;
  double held = 0;
  double most = 0;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    held += static_cast<double>(num_elements(model.layers[i].output_shape));
    most = std::max(most, held);
    for (std::size_t j = 0; j < i; ++j)
      if (last_read[j] == i)
        held -= static_cast<double>(num_elements(model.layers[j].output_shape));
  }
  for (const ModelInput& input : model.inputs)
    most += kCopiesOfInputs * static_cast<double>(num_elements(input.shape));
  return most * static_cast<double>(kBytesPerElement);
}

void plan_dense(const ModelGraph& model, std::int64_t patch, const TilePlanOptions& options,
                TileScoring& scoring) {
  TileGrid& tiles = scoring.tiles;
  tiles.has_equal_windows = true;
  const std::optional<std::int64_t> radius = receptive_radius(model, scoring.scales);
  std::int64_t window = patch;
  if (radius) {
    const double per_pixel = working_bytes(model) / static_cast<double>(patch * patch);
    const auto most = static_cast<std::int64_t>(
        std::sqrt(static_cast<double>(options.most_working_bytes) / per_pixel));
    // No larger than a scene seen whole, and of a size that pooling by two, four or eight keeps.
    constexpr std::int64_t kMostWindow = 512;
    constexpr std::int64_t kStep = 16;
    const std::int64_t scene = std::max(tiles.num_rows, tiles.num_columns) + 2 * *radius;
    window = std::min({most, kMostWindow, (scene + kStep - 1) / kStep * kStep});
    window = std::max(patch, window / kStep * kStep);
  }
  // What lies deeper in the window than the receptive field is exact; the ramp hides the rest.
  const std::int64_t margin = std::min(radius.value_or(window / 8), window / 4);
  const std::int64_t scored = window - 2 * margin;
  // A scene that is seen whole has no neighbours to blend with.
  const bool is_whole = scored >= std::max(tiles.num_rows, tiles.num_columns);
  tiles.ramp = is_whole ? 0 : std::min(kMostRamp, scored / 5) / 2 * 2;
  tiles.core = scored - tiles.ramp;
  tiles.before = margin;
  tiles.after = margin;
}

}  // namespace

TileScoring plan_tiles(const ModelGraph& model, const Grid& grid,
                       const std::vector<std::int64_t>& num_bands,
                       const std::vector<std::int64_t>& scales, const TilePlanOptions& options) {
  TileScoring scoring;
  scoring.is_dense = is_dense(model);
  scoring.num_classes =
      model.layers.at(static_cast<std::size_t>(layer_index(model, model.output)))
          .output_shape.front();
  scoring.patch = model.inputs.front().shape[1] / scales.front();
  scoring.batch_size = options.batch_size;
  scoring.num_views = options.num_views;
  scoring.num_bands = num_bands;
  scoring.scales = scales;
  scoring.tiles.num_rows = grid.num_rows;
  scoring.tiles.num_columns = grid.num_columns;
  if (scoring.is_dense) {
    plan_dense(model, scoring.patch, options, scoring);
    return scoring;
  }
  scoring.shares_patches = can_share_patches(model, scales);
  scoring.strip_rows = std::clamp<std::int64_t>(options.batch_size / kFewestPixelsOfRow, 1,
                                                kPixelTile);
  scoring.tiles.core = kPixelTile;
  scoring.tiles.before = scoring.patch / 2;
  scoring.tiles.after = scoring.patch - 1 - scoring.patch / 2;
  return scoring;
}

}  // namespace cadastre
