#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "executor/network.h"
#include "executor/predict/map_prediction.h"
#include "executor/predict/tile_units.h"
#include "executor/predict/window_source.h"
#include "planner/run_record.h"
#include "planner/scene.h"

namespace cadastre {

/// The windows of a scene that a model reads, and what they lie on.
struct PredictedScene {
  SceneData labels;  ///< without modalities; empty where the scene has no labels
  WindowSource source;
  Normalization normalization;  ///< by which they are seen
};

/// Throws InputError where the scene lacks a modality or a band that the run's model reads.
[[nodiscard]] PredictedScene open_scene(const Scene& scene, const RunRecord& run,
                                        const std::vector<ModelInput>& inputs);

/// The scene that a request is about. Throws InputError where its classes are not the model's.
[[nodiscard]] Scene scene_of(const PredictRequest& request, const RunRecord& run);

/// How the scene is cut and scored: the same text, the same map.
[[nodiscard]] TileScoring scoring_of(const PredictRequest& request, const RunRecord& run,
                                     const WindowSource& source);

/// Of everything that a map's pixels depend on.
[[nodiscard]] std::string prediction_fingerprint(const PredictRequest& request,
                                                 const RunRecord& run, const Scene& scene,
                                                 const std::string& weights);

}  // namespace cadastre
