#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "executor/predict/tile_grid.h"
#include "executor/predict/tile_scores.h"

namespace cadastre {

/// Rows of the map that are done.
struct MapRows {
  std::int64_t first_row = 0;
  std::int64_t num_rows = 0;
  std::int64_t tile_row = 0;           ///< with which they were done
  std::vector<float> probabilities;    ///< (K, n, C)
  std::vector<std::uint8_t> has_data;  ///< (n, C)
};

/// Puts scored tiles together, in whatever order they come, and hands out rows as soon as they are
/// done. Sums are of two terms at most, first along rows, then down columns, so the order of
/// arrival does not show. Holds the tile rows that are not done and one ramp.
class TileBlender {
 public:
  /// Tile rows before `first_tile_row` are not wanted any more, nor the ramp to them.
  TileBlender(const TileGrid& tiles, std::int64_t num_classes, std::int64_t first_tile_row,
              std::function<void(const MapRows& rows)> on_rows);

  void add(const TileScores& scores);

  /// The first tile row of which not every tile has come.
  [[nodiscard]] std::int64_t first_open_row() const { return next_; }

 private:
  struct Band {
    std::int64_t first_row = 0;
    std::int64_t num_rows = 0;
    std::int64_t num_tiles = 0;
    std::vector<float> sums;             // (K, n, C)
    std::vector<std::uint8_t> has_data;  // (n, C)
  };

  Band& band_of(const Tile& tile);
  void hand_out(std::int64_t tile_row, Band& band);

  TileGrid tiles_;
  std::int64_t num_classes_;
  std::int64_t first_;
  std::int64_t next_;
  std::function<void(const MapRows& rows)> on_rows_;
  std::map<std::int64_t, Band> bands_;
  Band tail_;  // the lower ramp of the row before `next_`, weighted
};

}  // namespace cadastre
