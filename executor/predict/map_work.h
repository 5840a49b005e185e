#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "executor/predict/partial_map.h"
#include "executor/predict/tile_blender.h"
#include "executor/predict/tile_units.h"

namespace cadastre {

/// A map on its way: which tiles are missing, and what becomes of those that come.
class MapWork {
 public:
  MapWork(PartialMap& partial, const TileScoring& scoring);

  /// Tiles to score, in the order in which they are wanted.
  [[nodiscard]] const std::vector<std::int64_t>& missing() const { return missing_; }

  /// Whether the place `place` in `missing()` may be begun: tiles far ahead of the rows that are
  /// done would only fill the memory.
  [[nodiscard]] bool may_begin(std::size_t place) const;

  void add(const TileScores& scores);

  [[nodiscard]] std::int64_t num_pixels_done() const { return num_pixels_done_; }

  /// Of an earlier start.
  [[nodiscard]] std::int64_t num_pixels_kept() const { return num_pixels_kept_; }

 private:
  PartialMap& partial_;
  TileGrid tiles_;
  TileBlender blender_;
  std::vector<std::int64_t> missing_;
  std::int64_t num_pixels_done_ = 0;
  std::int64_t num_pixels_kept_ = 0;
};

}  // namespace cadastre
