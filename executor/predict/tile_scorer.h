#pragma once

#include <cstdint>
#include <optional>

#include "executor/predict/tile_scores.h"

namespace cadastre {

/// A tile that is asked for. `number` counts them in the order in which they are, over all ranks.
struct TileTask {
  std::int64_t tile = 0;
  std::int64_t number = 0;
};

/// What scores tiles, several at a time, in threads of its own.
class TileScorer {
 public:
  TileScorer() = default;
  TileScorer(const TileScorer&) = delete;
  TileScorer& operator=(const TileScorer&) = delete;
  virtual ~TileScorer() = default;

  /// Asks for a tile, and does not wait. Throws what a thread failed with.
  virtual void submit(const TileTask& task) = 0;

  /// Waits for the next tile that is done, in no order; none once it is closed. Throws what a
  /// thread failed with.
  [[nodiscard]] virtual std::optional<TileScores> next() = 0;

  /// Nothing more is asked for, and everything has been taken that was.
  virtual void close() = 0;
};

}  // namespace cadastre
