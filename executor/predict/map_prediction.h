#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "executor/launch/launch.h"
#include "executor/predict/partial_map.h"
#include "executor/predict/scoring_rank.h"
#include "planner/map_record.h"
#include "planner/run_record.h"

namespace cadastre {

/// A map as it was asked for.
struct PredictRequest {
  std::filesystem::path run;      ///< directory with run.json and weights.pt
  std::filesystem::path scene;    ///< empty: the run's own
  std::filesystem::path rasters;  ///< as `read_scene`
  std::filesystem::path output;
  std::int64_t batch_size = 256;
  int num_threads = 0;  ///< 0: all processors
  bool confidence = false;
  bool probabilities = false;
  bool averages_views = false;       ///< over the eight turned and mirrored views
  std::int64_t min_area_pixels = 0;  ///< smaller patches go to a neighbour
  PartialMap::Resume resume = PartialMap::Resume::kYes;
  std::filesystem::path plan;  ///< whose stages and hosts score it; empty: whole networks
  int num_local_ranks = 0;     ///< of whole networks, here
  LaunchOptions launch;
};

struct PredictProgress {
  std::int64_t done = 0;  ///< pixels
  std::int64_t total = 0;
};

/// What became of it.
struct MapResult {
  MapRecord record;
  double classify_s = 0;
  std::int64_t num_classified = 0;  ///< pixels, those of an earlier start not counted
  std::int64_t num_resumed = 0;     ///< pixels that an earlier start had classified
  std::vector<ScoringRank> ranks;  ///< empty: this process alone
  std::optional<double> predicted_pixels_per_s;
  std::optional<Metrics> metrics;
  std::vector<std::string> notes;
};

/// Classifies a whole scene, whatever its size, and writes the map (see `write_map_files`), in
/// memory bounded by the tiles in flight. Work that is interrupted stays in MAP.partial and is gone
/// on with. Throws InputError where run, scene or plan do not go together or a raster cannot be
/// read, MapWriteError where there is no room; then nothing is left.
[[nodiscard]] MapResult predict_map(const PredictRequest& request,
                                    const std::function<void(const PredictProgress&)>& on_progress);

}  // namespace cadastre
