#include "executor/predict/prediction_setup.h"

#include <nlohmann/json.hpp>
#include <system_error>

#include "executor/launch/rank_hello.h"
#include "executor/predict/tile_plan.h"
#include "planner/error.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

constexpr int kAllViews = 8;

/// Another number where the same request gives other bytes than it did.
constexpr int kArithmetic = 2;

void check_classes(const RunRecord& run, const Scene& scene, const std::string& file) {
  const Layer& output =
      run.model.layers.at(static_cast<std::size_t>(layer_index(run.model, run.model.output)));
  const std::int64_t num_scores = output.output_shape.front();
  if (num_scores != static_cast<std::int64_t>(scene.classes.size()))
    throw InputError(file, "/classes",
                     "expected " + std::to_string(num_scores) +
                         " classes, as the run's model scores, found " +
                         std::to_string(scene.classes.size()));
}

/// Size and time of a file: enough to see that it is another.
std::string file_stamp(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  if (error) return "-";
  const auto time = fs::last_write_time(file, error).time_since_epoch().count();
  return std::to_string(size) + " " + std::to_string(time);
}

}  // namespace

Scene scene_of(const PredictRequest& request, const RunRecord& run) {
  const Scene scene =
      request.scene.empty() ? run.scene : read_scene(request.scene, request.rasters);
  check_classes(run, scene, (request.scene.empty() ? request.run : request.scene).string());
  return scene;
}

PredictedScene open_scene(const Scene& scene, const RunRecord& run,
                          const std::vector<ModelInput>& inputs) {
  static_cast<void>(patch_size(scene, inputs));
  // Runs of older versions do not say how they saw: as their own training pixels say.
  PredictedScene opened;
  opened.normalization = run.normalization.empty()
                             ? normalization_of(load_scene(run.scene, inputs))
                             : run.normalization;
  opened.source = source_of(scene, inputs, opened.normalization);
  if (!scene.labels.empty()) opened.labels = load_scene(scene, {});
  return opened;
}

TileScoring scoring_of(const PredictRequest& request, const RunRecord& run,
                       const WindowSource& source) {
  return plan_tiles(run.model, source.grid, source.num_bands, source.scales,
                    {.batch_size = request.batch_size,
                     .num_views = request.averages_views ? kAllViews : 1});
}

std::string prediction_fingerprint(const PredictRequest& request, const RunRecord& run,
                                   const Scene& scene, const std::string& weights) {
  std::string text = to_json(run.model).dump();
  text += to_json(scene).dump();
  Scene paths = scene;
  for_each_path(paths, [&](fs::path& path) { text += file_stamp(path); });
  text += normalization_json(run.normalization).dump();
  text += fingerprint(weights);
  text += nlohmann::json{request.batch_size, request.averages_views, request.confidence,
                         request.probabilities, request.min_area_pixels, kArithmetic}
              .dump();
  return fingerprint(text);
}

}  // namespace cadastre
