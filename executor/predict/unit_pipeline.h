#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "executor/communicator.h"
#include "executor/network.h"
#include "executor/blocking_queue.h"
#include "executor/predict/patch_program.h"
#include "executor/predict/tile_scorer.h"
#include "executor/predict/tile_units.h"
#include "executor/predict/window_source.h"
#include "executor/weights.h"
#include "planner/inference_program.h"

namespace cadastre {

/// One rank's part in scoring tiles with a network that is divided among ranks: units go from stage
/// to stage, each computed whole, so that the scores are those of the undivided network.
///
/// Tiles are dealt to lanes, which are the same on all ranks: a thread each, that takes a tile's
/// units one after the other, receives what its stages read and sends on what others do. While one
/// lane waits for another rank or reads rasters, another computes; a unit can be ahead of the next
/// rank by one.
class UnitPipeline : public TileScorer {
 public:
  /// Throws InputError, in the name of the weights, when these lack one of the rank's.
  /// `source` gives those inputs of the model that the rank's stages read, ascending (see
  /// `rank_inputs`); `program`, `scoring` and `communicator` must outlive it.
  UnitPipeline(const ModelGraph& model, const InferenceProgram& program, int rank,
               const Weights& weights, WindowSource source, const TileScoring& scoring,
               int num_lanes, Communicator& communicator);
  ~UnitPipeline() override;

  /// Of a tile whose route (by its number) this rank is on. Every rank of a route is to get its
  /// tiles in the same order.
  void submit(const TileTask& task) override;

  /// A part of a tile's scores: the mask as far as this rank's inputs tell, where it reads any, and
  /// the probabilities, where it computes the model's output.
  [[nodiscard]] std::optional<TileScores> next() override { return done_.pop(); }

  void close() override { done_.close(); }

 private:
  struct Stage {
    std::unique_ptr<StageNetwork> network;
    std::optional<PatchProgram> program;  ///< where patches are computed together
    std::vector<std::vector<int>> readers;  ///< [output] stages that read it
    bool reads_rasters = false;
  };

  class Lane;

  void run_lane(int lane);
  void fail();
  [[nodiscard]] int tag(int lane, int layer, int reading_stage) const;

  const InferenceProgram& program_;
  const int rank_;
  const TileScoring& scoring_;
  const ModelGraph model_;              ///< with the shapes of what is scored at once
  const int output_;                    ///< layer
  std::map<int, Stage> stages_;         ///< by number: the rank's own
  std::vector<std::size_t> positions_;  ///< [model input] its place in the source
  WindowSource source_;
  Communicator& communicator_;
  std::vector<std::unique_ptr<BlockingQueue<TileTask>>> asked_;  ///< by lane
  BlockingQueue<TileScores> done_;
  std::vector<std::jthread> threads_;
};

}  // namespace cadastre
