#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

#include "executor/map_raster.h"
#include "executor/network.h"
#include "executor/predictor.h"
#include "executor/process_setup.h"
#include "executor/scene_data.h"
#include "executor/timing.h"
#include "executor/verbs.h"
#include "executor/weights.h"
#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/progress.h"
#include "planner/run_record.h"

namespace cadastre {

namespace {

struct PredictRequest : VerbOptions {
  std::filesystem::path run;
  std::filesystem::path scene;
  std::filesystem::path rasters;
  std::filesystem::path output;
  std::int64_t batch_size = PredictionOptions{}.batch_size;
  int num_threads = 0;  // 0: all processors
};

void check_classes(const RunRecord& run, const Scene& scene, const std::string& file) {
  const Layer& output =
      run.model.layers.at(static_cast<std::size_t>(layer_index(run.model, run.model.output)));
  const std::int64_t num_scores = num_elements(output.output_shape);
  if (num_scores != static_cast<std::int64_t>(scene.classes.size()))
    throw InputError(file, "/classes",
                     "expected " + std::to_string(num_scores) +
                         " classes, as the run's model scores, found " +
                         std::to_string(scene.classes.size()));
}

nlohmann::json metrics_json(const Metrics& metrics) {
  nlohmann::json f1 = nlohmann::json::object();
  for (const ClassMetrics& land_cover : metrics.classes) f1[land_cover.name] = land_cover.f1;
  return {{"overall_accuracy", metrics.overall_accuracy},
          {"average_accuracy", metrics.average_accuracy},
          {"kappa", metrics.kappa},
          {"f1", f1}};
}

void predict(const PredictRequest& request) {
  const std::filesystem::path run_file = request.run / "run.json";
  const RunRecord run = read_run(run_file);
  check_executable(run.model, run_file.string(), "/model");
  const Scene scene =
      request.scene.empty() ? run.scene : read_scene(request.scene, request.rasters);
  check_classes(run, scene, (request.scene.empty() ? request.run : request.scene).string());
  const std::filesystem::path weights_file = request.run / "weights.pt";
  StageNetwork network = whole_network(run.model, 0);
  set_weights(network, read_weights(weights_file), weights_file);
  const PatchSize patch = patch_size(scene, run.model.inputs);
  const SceneData data = load_scene(scene, run.model.inputs);

  prepare_process(1);
  const int num_threads = request.num_threads > 0
                              ? request.num_threads
                              : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const Stopwatch stopwatch;
  ClassMap map;
  {
    Progress progress("classifying", data.grid.num_rows * data.grid.num_columns,
                      request.quiet ? Progress::Mode::kQuiet : Progress::Mode::kShow);
    map = classify_scene(
        network, data, patch, scene.classes,
        {.batch_size = request.batch_size,
         .num_threads = num_threads,
         .progress = [&](std::int64_t done, std::int64_t) { progress.update(done); }});
  }
  const double classify_s = stopwatch.seconds();
  const auto pixels_per_s = static_cast<double>(map.class_ids.size()) / classify_s;
  const Metrics metrics = map_metrics(map, data, scene.classes);
  write_class_map(request.output, map, scene.classes);
  write_label_picture(request.output.parent_path() / "labels.png", scene);

  char speed[96];
  std::snprintf(speed, sizeof speed, "%zu pixels in %.1f s (%.0f per second)\n",
                map.class_ids.size(), classify_s, pixels_per_s);
  print_result(request,
               {{"map", request.output.string()},
                {"num_pixels", map.class_ids.size()},
                {"classify_s", classify_s},
                {"metrics", metrics_json(metrics)}},
               speed + metrics_text(metrics) + "wrote " + request.output.string() + "\n");
}

}  // namespace

void add_predict_verb(CLI::App& program) {
  auto request = std::make_shared<PredictRequest>();
  CLI::App* verb = add_verb(program, "predict", "Classify a whole scene with a trained network",
                            "cadastre predict --run run --data scene -o map.tif", request,
                            [request] { predict(*request); });
  verb->add_option("--run", request->run, "Directory with run.json and weights.pt")->required();
  verb->add_option("--data", request->scene, "Scene to classify; the run's own when left out");
  verb->add_option("--rasters", request->rasters, "Directory of the scene's rasters");
  verb->add_option("--batch-size", request->batch_size, "Pixels classified at once by a thread")
      ->check(integer_from(1, 65536))
      ->capture_default_str();
  verb->add_option("--threads", request->num_threads, "Threads; all processors when left out")
      ->check(integer_from(1, 1024));
  verb->add_option("-o,--output", request->output, "Map to write, a GeoTIFF")->required();
}

}  // namespace cadastre
