#pragma once

#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

#include "executor/network.h"
#include "executor/blocking_queue.h"
#include "executor/predict/patch_program.h"
#include "executor/predict/tile_scorer.h"
#include "executor/predict/tile_units.h"
#include "executor/predict/window_source.h"

namespace cadastre {

/// Threads that score tiles with a whole network: one reads ahead, the others gather and compute,
/// each a tile at a time. Prepare the process for one thread (process_setup.h): these are the
/// parallelism, so that what comes out does not depend on how many there are.
class TilePool : public TileScorer {
 public:
  /// `network`: all of `model` (whose inputs are the source's, in order); must outlive the pool.
  TilePool(const ModelGraph& model, StageNetwork& network, WindowSource source,
           const TileScoring& scoring, int num_threads);
  ~TilePool() override;

  void submit(const TileTask& task) override { asked_.push(task.tile); }

  [[nodiscard]] std::optional<TileScores> next() override { return done_.pop(); }

  void close() override { done_.close(); }

 private:
  struct ReadTile {
    Tile tile;
    WindowValues values;
  };

  void read_tiles();
  void score_tiles();
  void fail();

  StageNetwork& network_;
  std::optional<PatchProgram> program_;  ///< where patches are computed together
  WindowSource source_;
  const TileScoring scoring_;
  BlockingQueue<std::int64_t> asked_;
  BlockingQueue<ReadTile> read_;
  BlockingQueue<TileScores> done_;
  std::vector<std::jthread> threads_;
};

}  // namespace cadastre
