#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "executor/launch/frame.h"
#include "executor/predict/tile_scorer.h"
#include "planner/inference_program.h"
#include "planner/model_graph.h"
#include "planner/normalization.h"

namespace cadastre {

/// What the coordinator of a prediction tells a rank to do.
struct PredictionJob {
  int rank = 0;
  int num_threads = 1;
  bool has_other_machines = false;
  std::string planned_address;  ///< of its host; may be empty
  int num_lanes = 1;      ///< likewise (see `UnitPipeline`)
  InferenceProgram program;
  ModelGraph model;
  Normalization normalization;
  std::int64_t num_rows = 0;     ///< of the scene, in reference pixels
  std::int64_t num_columns = 0;  ///< likewise
  std::vector<std::int64_t> num_bands;  ///< B of each input of the model
  std::vector<std::int64_t> scales;     ///< S of each
  std::int64_t batch_size = 256;
  int num_views = 1;
  std::string scene;    ///< the document's text, where the rank was not told of one
  std::string weights;  ///< as `weights_bytes`
};

[[nodiscard]] Frame to_frame(const PredictionJob& job);
/// Throws FrameError or InputError when it is none.
[[nodiscard]] PredictionJob prediction_job_from(const Frame& frame);

/// How an input looks to a rank: enough to see that it reads other rasters than another, as far as
/// processors do not differ.
struct InputGlance {
  int input = 0;  ///< index in the model
  double mean = 0;
  double mean_magnitude = 0;
};

/// What a rank says when it could begin.
struct PredictionReady {
  std::string address;
  std::string grid;  ///< that its rasters are on, as text; empty where it reads none
  std::vector<InputGlance> glances;
};

[[nodiscard]] Frame to_frame(const PredictionReady& ready);
[[nodiscard]] PredictionReady prediction_ready_from(const Frame& frame);

/// Tiles for a rank to score.
[[nodiscard]] Frame to_frame(const std::vector<TileTask>& tasks);
[[nodiscard]] std::vector<TileTask> tile_tasks_from(const Frame& frame);

}  // namespace cadastre
