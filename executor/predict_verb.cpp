#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "executor/predict/map_prediction.h"
#include "executor/predict/map_result_text.h"
#include "executor/verbs.h"
#include "planner/command_line.h"
#include "planner/progress.h"

namespace cadastre {

namespace {

struct PredictVerb : VerbOptions {
  PredictRequest request;
};

void predict(const PredictVerb& verb) {
  std::optional<Progress> progress;
  const MapResult result = predict_map(verb.request, [&](const PredictProgress& now) {
    if (!progress)
      progress.emplace("classifying", now.total,
                       verb.quiet ? Progress::Mode::kQuiet : Progress::Mode::kShow);
    progress->update(now.done);
  });
  progress.reset();
  print_result(verb, map_result_json(result, verb.request.output),
               map_result_text(result, verb.request.output));
}

}  // namespace

void add_predict_verb(CLI::App& program) {
  auto verb = std::make_shared<PredictVerb>();
  PredictRequest& request = verb->request;
  CLI::App* app = add_verb(program, "predict", "Classify a whole scene with a trained network",
                           "cadastre predict --run run --data scene -o map.tif", verb,
                           [verb] { predict(*verb); });
  app->add_option("--run", request.run, "Directory with run.json and weights.pt")->required();
  app->add_option("--data", request.scene, "Scene to classify; the run's own when left out");
  app->add_option("--rasters", request.rasters, "Directory of the scene's rasters");
  app->add_option("--batch-size", request.batch_size, "Pixels classified at once by a thread")
      ->check(integer_from(1, 65536))
      ->capture_default_str();
  app->add_option("--threads", request.num_threads, "Threads; all processors when left out")
      ->check(integer_from(1, 1024));
  app->add_flag("--confidence", request.confidence,
                "Also write MAP-confidence.tif, the probability of each pixel's class");
  app->add_flag("--probabilities", request.probabilities,
                "Also write MAP-probabilities.tif, a band for each class");
  app->add_flag("--tta", request.averages_views,
                "Average over the eight turned and mirrored views of every pixel (8 times the work)");
  constexpr std::int64_t kMostPixels = 1 << 30;
  app->add_option("--min-area", request.min_area_pixels,
                  "Give patches of fewer pixels to their largest neighbour (minimum mapping unit)")
      ->check(integer_from(0, kMostPixels));
  app->add_flag_callback(
      "--no-resume", [&request] { request.resume = PartialMap::Resume::kNo; },
      "Begin anew, and leave no work behind when interrupted");
  app->add_option("-o,--output", request.output, "Map to write, a GeoTIFF")->required();
}

}  // namespace cadastre
