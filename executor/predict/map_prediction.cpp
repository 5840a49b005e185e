#include "executor/predict/map_prediction.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "executor/accuracy.h"
#include "executor/predict/area_estimate.h"
#include "executor/predict/map_files.h"
#include "executor/predict/map_work.h"
#include "executor/predict/pixel_area.h"
#include "executor/predict/prediction_setup.h"
#include "executor/predict/scene_picture.h"
#include "executor/predict/scoring_plan.h"
#include "executor/predict/scoring_ranks.h"
#include "executor/predict/tile_pool.h"
#include "executor/process_setup.h"
#include "executor/timing.h"
#include "executor/torchscript/layer_function.h"
#include "executor/weights.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

std::string decimals(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

/// What is known of the finished rows by going through them once.
struct MapFacts {
  std::vector<std::int64_t> num_pixels;  ///< of each class
  std::vector<double> area;              ///< hectares, or pixels
  std::int64_t num_nodata = 0;
  bool in_hectares = true;
  std::vector<std::vector<std::int64_t>> confusion;  ///< [reference][mapped]
};

MapFacts facts_of(const PartialMap& work, const Grid& grid,
                  const std::vector<LandCoverClass>& classes, const std::vector<Sample>& test) {
  std::vector<std::size_t> index_of_id(256, classes.size());
  for (std::size_t i = 0; i < classes.size(); ++i)
    index_of_id.at(static_cast<std::size_t>(classes[i].id)) = i;
  MapFacts facts;
  facts.num_pixels.assign(classes.size(), 0);
  facts.area.assign(classes.size(), 0);
  facts.in_hectares = pixel_hectares(grid, 0).has_value();
  facts.confusion.assign(classes.size(), std::vector<std::int64_t>(classes.size(), 0));
  std::ifstream rows(work.class_file(), std::ios::binary);
  std::vector<char> row(static_cast<std::size_t>(grid.num_columns));
  std::vector<std::int64_t> in_row(classes.size());
  auto sample = test.begin();  // row by row
  for (std::int64_t y = 0; y < grid.num_rows; ++y) {
    rows.read(row.data(), grid.num_columns);
    std::fill(in_row.begin(), in_row.end(), 0);
    const auto class_at = [&](std::int64_t x) {
      return index_of_id[static_cast<std::uint8_t>(row[static_cast<std::size_t>(x)])];
    };
    for (std::int64_t x = 0; x < grid.num_columns; ++x) {
      if (class_at(x) < classes.size())
        ++in_row[class_at(x)];
      else
        ++facts.num_nodata;
    }
    const double pixel = facts.in_hectares ? *pixel_hectares(grid, y) : 1;
    for (std::size_t i = 0; i < classes.size(); ++i) {
      facts.num_pixels[i] += in_row[i];
      facts.area[i] += pixel * static_cast<double>(in_row[i]);
    }
    for (; sample != test.end() && sample->row == y; ++sample)
      if (class_at(sample->column) < classes.size())
        ++facts.confusion.at(static_cast<std::size_t>(sample->class_index))[class_at(
            sample->column)];
  }
  return facts;
}

MapRecord record_of(const PredictRequest& request, const RunRecord& run, const Scene& scene,
                    const Grid& grid, const MapFacts& facts,
                    const std::optional<Metrics>& metrics) {
  MapRecord record;
  record.map = request.output.filename().string();
  record.run = fs::absolute(request.run).lexically_normal().filename().string();
  record.model = run.model.name;
  record.scene = scene.name;
  record.num_rows = grid.num_rows;
  record.num_columns = grid.num_columns;
  record.min_area_pixels = request.min_area_pixels;
  record.num_views = request.averages_views ? 8 : 1;
  record.in_hectares = facts.in_hectares;
  record.num_nodata_pixels = facts.num_nodata;
  for (std::size_t i = 0; i < scene.classes.size(); ++i)
    record.classes.push_back({.id = scene.classes[i].id,
                              .name = scene.classes[i].name,
                              .num_pixels = facts.num_pixels[i]});
  record.areas = estimate_areas(facts.confusion, facts.area);
  if (metrics)
    record.accuracy = MapAccuracy{.overall_accuracy = metrics->overall_accuracy,
                                  .average_accuracy = metrics->average_accuracy,
                                  .kappa = metrics->kappa,
                                  .confusion = metrics->confusion};
  return record;
}

MapMetadata metadata_of(const MapRecord& record) {
  MapMetadata metadata = {{"CADASTRE_RUN", record.run},
                          {"CADASTRE_MODEL", record.model},
                          {"CADASTRE_SCENE", record.scene},
                          {"TIFFTAG_IMAGEDESCRIPTION", "Land cover of " + record.scene + " by " + record.model},
                          {"TIFFTAG_SOFTWARE", "cadastre"}};
  if (record.min_area_pixels > 0)
    metadata["CADASTRE_MIN_AREA_PIXELS"] = std::to_string(record.min_area_pixels);
  if (record.accuracy) {
    metadata["CADASTRE_OVERALL_ACCURACY"] = decimals(record.accuracy->overall_accuracy, 4);
    metadata["CADASTRE_KAPPA"] = decimals(record.accuracy->kappa, 4);
  }
  return metadata;
}

void score_here(const ModelGraph& model, StageNetwork& network, const WindowSource& source,
                const TileScoring& scoring, int num_threads, MapWork& work,
                const std::function<void()>& on_tile) {
  TilePool pool(model, network, source, scoring, num_threads);
  const std::vector<std::int64_t>& missing = work.missing();
  std::size_t num_begun = 0;
  std::size_t num_done = 0;
  const auto most_under_way = static_cast<std::size_t>(3 * num_threads);
  while (num_done < missing.size()) {
    while (num_begun < missing.size() && num_begun - num_done < most_under_way &&
           (num_begun == num_done || work.may_begin(num_begun))) {
      pool.submit({.tile = missing[num_begun], .number = 0});
      ++num_begun;
    }
    work.add(*pool.next());
    ++num_done;
    on_tile();
  }
}

int threads_of(const PredictRequest& request) {
  return request.num_threads > 0
             ? request.num_threads
             : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// All that a request is about, read and checked.
struct Prepared {
  RunRecord run;
  Scene scene;
  std::string weights;
  StageNetwork network;
  PredictedScene opened;
  TileScoring scoring;
  std::optional<ScoringPlan> ranks;  ///< none: this process scores
};

Prepared prepare(const PredictRequest& request) {
  const fs::path run_file = request.run / "run.json";
  RunRecord run = read_run(run_file);
  check_executable(run.model, run_file.string(), "/model");
  check_layer_codes(run.model, run_file.string(), "/model");
  Scene scene = scene_of(request, run);
  const fs::path weights_file = request.run / "weights.pt";
  std::string weights = read_file(weights_file);
  StageNetwork network = whole_network(run.model, 0);
  set_weights(network, weights_from(weights, weights_file.string()), weights_file);
  check_can_write(request.output);
  PredictedScene opened = open_scene(scene, run, run.model.inputs);
  TileScoring scoring = scoring_of(request, run, opened.source);
  std::optional<ScoringPlan> ranks = scoring_plan(request, run, scoring);
  return {.run = std::move(run),
          .scene = std::move(scene),
          .weights = std::move(weights),
          .network = std::move(network),
          .opened = std::move(opened),
          .scoring = std::move(scoring),
          .ranks = std::move(ranks)};
}

/// The same; where it is refused, the other ranks of a launcher hear of it.
Prepared prepare_for_all(const PredictRequest& request) {
  try {
    return prepare(request);
  } catch (const InputError& error) {
    if (const auto environment = started_by(request.launch))
      refuse_ranks(request.launch, *environment, error.what());
    throw;
  }
}

/// Scores what `work` is missing, here or on the ranks.
void score(const PredictRequest& request, Prepared& prepared, MapWork& work,
           const std::function<void()>& on_tile, MapResult& result) {
  if (!prepared.ranks || work.missing().empty()) {
    prepare_process(1);
    const Stopwatch stopwatch;
    score_here(prepared.run.model, prepared.network, prepared.opened.source, prepared.scoring,
               threads_of(request), work, on_tile);
    result.classify_s = stopwatch.seconds();
    return;
  }
  ScoredByRanks scored = score_on_ranks({.request = request,
                                         .run = prepared.run,
                                         .scene = prepared.scene,
                                         .normalization = prepared.opened.normalization,
                                         .source = prepared.opened.source,
                                         .scoring = prepared.scoring,
                                         .weights = prepared.weights},
                                        *prepared.ranks, work, on_tile);
  result.classify_s = scored.score_s;
  result.ranks = std::move(scored.ranks);
  result.notes = std::move(scored.notes);
  result.predicted_pixels_per_s = prepared.ranks->predicted_pixels_per_s;
}

void write_pictures(const fs::path& map, const fs::path& directory, const Scene& scene,
                    const SceneData& labels) {
  fs::path current = map.parent_path() / "labels.png";
  try {
    if (!scene.labels.empty())
      write_label_picture(directory / current.filename(), labels, scene.classes);
    current = beside_map(map, "-rgb.png");
    static_cast<void>(write_scene_picture(directory / current.filename(), scene));
  } catch (const std::runtime_error& error) {
    throw not_written(current, error);
  }
}

}  // namespace

MapResult predict_map(const PredictRequest& request,
                      const std::function<void(const PredictProgress&)>& on_progress) {
  Prepared prepared = prepare_for_all(request);
  const Scene& scene = prepared.scene;
  const SceneData& labels = prepared.opened.labels;
  const Grid& grid = prepared.opened.source.grid;

  MapLayers layers{.class_ids = {},
                   .confidence = request.confidence,
                   .probabilities = request.probabilities};
  for (const LandCoverClass& land_cover : scene.classes)
    layers.class_ids.push_back(static_cast<std::uint8_t>(land_cover.id));
  MapResult result;
  PartialMap partial(
      request.output, prepared.scoring.tiles, layers,
      prediction_fingerprint(request, prepared.run, scene, prepared.weights), request.resume);
  try {
    MapWork work(partial, prepared.scoring);
    result.num_resumed = work.num_pixels_kept();
    const std::int64_t total = grid.num_rows * grid.num_columns;
    score(request, prepared, work,
          [&] { on_progress({.done = work.num_pixels_done(), .total = total}); }, result);
    result.num_classified = total - result.num_resumed;
    if (request.min_area_pixels > 1) sieve(partial, grid, request.min_area_pixels);

    const MapFacts facts = facts_of(partial, grid, scene.classes, labels.test);
    if (!labels.test.empty()) {
      std::vector<std::string> names;
      for (const LandCoverClass& land_cover : scene.classes) names.push_back(land_cover.name);
      result.metrics = accuracy_metrics(names, facts.confusion);
    }
    result.record = record_of(request, prepared.run, scene, grid, facts, result.metrics);
    write_pictures(request.output, partial.directory(), scene, labels);
    // Last: where the map is, its companions are.
    write_map_files(request.output, partial, layers, grid, scene.classes,
                    metadata_of(result.record), json_text(to_json(result.record)));
    partial.discard();
  } catch (const MapWriteError&) {
    partial.discard();  // it would keep the disk full
    throw;
  } catch (const InputError&) {
    partial.discard();  // with another input it is of no use
    throw;
  } catch (...) {
    if (request.resume == PartialMap::Resume::kNo) partial.discard();
    throw;
  }
  return result;
}

}  // namespace cadastre
