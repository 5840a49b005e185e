#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "executor/predict/tile_grid.h"

namespace cadastre {

/// How a network turns a tile into scores. The same on every thread and host: what is computed
/// together (a unit) does not depend on who computes it, so neither do the bytes that come out.
struct TileScoring {
  TileGrid tiles;
  bool is_dense = false;           ///< scores (K, H, W) of a window; else (K) of a pixel's patch
  bool shares_patches = false;     ///< whose patches are computed together (see tile_network.h)
  std::int64_t num_classes = 1;    ///< K
  std::int64_t patch = 1;          ///< P, reference pixels of a patch; not used when dense
  std::int64_t batch_size = 256;   ///< patches of a unit, where they are computed one by one
  std::int64_t strip_rows = 16;    ///< of pixels of a unit, where they are computed together
  int num_views = 1;               ///< 8: the mean over all turned and mirrored views
  std::vector<std::int64_t> num_bands;  ///< B of each input
  std::vector<std::int64_t> scales;     ///< S of each input
};

/// A tile is scored in so many passes of the network.
[[nodiscard]] std::int64_t num_units(const TileScoring& scoring, const Tile& tile);

/// Rows of a unit's batch: patches, or 1 where dense.
[[nodiscard]] std::int64_t unit_rows(const TileScoring& scoring, const Tile& tile,
                                     std::int64_t unit);

/// The pixels of a unit as its view shows them, where patches are computed together.
struct UnitSize {
  std::int64_t num_rows = 0;
  std::int64_t num_columns = 0;
};

[[nodiscard]] UnitSize unit_size(const TileScoring& scoring, const Tile& tile, std::int64_t unit);

/// What the network reads of `input` for a unit: (N, B, P·S, P·S) patches, or (1, B, H·S, W·S), part
/// of the window where patches are computed together. `window`: (B, h·S, w·S), the tile's window of
/// that input, which outlives what is returned.
[[nodiscard]] at::Tensor unit_input(const TileScoring& scoring, const Tile& tile, std::int64_t unit,
                                    std::size_t input, const std::vector<float>& window);

/// Adds the network's scores of a unit, as probabilities, to the tile's: (K, h, w) of its extent,
/// zero before the first unit. Units of a tile come in order.
void add_unit_scores(const TileScoring& scoring, const Tile& tile, std::int64_t unit,
                     const at::Tensor& scores, std::vector<float>& probabilities);

/// The part of a mask of the tile's window, (h, w), that is its extent.
[[nodiscard]] std::vector<std::uint8_t> extent_mask(const Tile& tile,
                                                    const std::vector<std::uint8_t>& window_mask);

}  // namespace cadastre
