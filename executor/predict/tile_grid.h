#pragma once

#include <cstdint>
#include <vector>

#include "executor/predict/window_source.h"

namespace cadastre {

/// A scene cut into square tiles, row by row, each with pixels of its own (the core). Tiles of a
/// dense network reach half a ramp into their neighbours, where both are blended.
struct TileGrid {
  std::int64_t num_rows = 0;     ///< of the scene
  std::int64_t num_columns = 0;  ///< of the scene
  std::int64_t core = 64;        ///< side; those at the right and lower border may be smaller
  std::int64_t ramp = 0;         ///< pixels over which neighbours are blended: even, at most `core`
  std::int64_t before = 0;       ///< pixels read above and left of those that are scored
  std::int64_t after = 0;        ///< and below and right
  /// Every tile reads a window of the same size, over the scene's border too: a network whose
  /// output has the input's size wants it so.
  bool has_equal_windows = false;
  bool operator==(const TileGrid&) const = default;

  [[nodiscard]] std::int64_t num_tile_rows() const { return (num_rows + core - 1) / core; }

  [[nodiscard]] std::int64_t num_tile_columns() const { return (num_columns + core - 1) / core; }

  [[nodiscard]] std::int64_t num_tiles() const { return num_tile_rows() * num_tile_columns(); }
};

struct Tile {
  std::int64_t index = 0;
  std::int64_t row = 0;     ///< among tiles
  std::int64_t column = 0;  ///< among tiles
  Window core;
  Window extent;  ///< what is scored: the core and half a ramp towards each neighbour
  Window window;  ///< what is read for it
};

[[nodiscard]] Tile tile_of(const TileGrid& grid, std::int64_t index);

/// The weights of a tile's rows (or columns) in the map, those from `begin` to `end` being scored
/// and `core_begin` to `core_end` its own: a raised cosine over each ramp, whose two tiles' weights
/// sum to one, and one elsewhere, the scene's border included.
[[nodiscard]] std::vector<float> blend_weights(std::int64_t begin, std::int64_t end,
                                               std::int64_t core_begin, std::int64_t core_end,
                                               std::int64_t ramp);

}  // namespace cadastre
