#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "executor/network.h"
#include "executor/patch_batch.h"
#include "executor/scene_data.h"
#include "planner/run_record.h"

namespace cadastre {

/// The most probable class of each pixel, and its probability (the greatest softmax score).
struct Classification {
  std::vector<std::int32_t> class_indices;
  std::vector<float> confidence;  ///< 0..1
};

struct PredictionOptions {
  std::int64_t batch_size = 256;
  int num_threads = 1;
  /// Called from one thread at a time, not always the same, as pixels are done.
  std::function<void(std::int64_t done, std::int64_t total)> progress = {};
};

/// Classifies `pixels` with a whole network whose model inputs are `scene.modalities`, in order.
///
/// Each of `num_threads` threads takes the next batch when it is free. Prepare the process for one
/// thread (process_setup.h): layers are small here, and threads of LibTorch's inside each of these
/// would mostly wait for one another. Throws what LibTorch throws.
[[nodiscard]] Classification classify(StageNetwork& network, const SceneData& scene,
                                      const PatchSize& patch, const std::vector<Pixel>& pixels,
                                      const PredictionOptions& options);

/// Accuracy on the scene's test samples.
[[nodiscard]] Metrics test_metrics(StageNetwork& network, const SceneData& scene,
                                   const PatchSize& patch,
                                   const std::vector<LandCoverClass>& classes,
                                   const PredictionOptions& options);

/// The metrics as a person reads them, several lines.
[[nodiscard]] std::string metrics_text(const Metrics& metrics);

}  // namespace cadastre
