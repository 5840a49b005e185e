#include "executor/predict/predict_rank.h"

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "executor/launch/link_store.h"
#include "executor/launch/rank_place.h"
#include "executor/predict/tile_plan.h"
#include "executor/predict/tile_pool.h"
#include "executor/predict/unit_pipeline.h"
#include "executor/process_setup.h"
#include "executor/weights.h"
#include "planner/json_reader.h"
#include "planner/scene.h"

namespace cadastre {

namespace {

Scene scene_for(const PredictRankOptions& options, const PredictionJob& job) {
  if (!options.scene.empty()) return read_scene(options.scene, options.rasters);
  const std::string file = "the coordinator's scene";
  const nlohmann::json document = parse_json(job.scene, file);
  return scene_from_json(JsonPlace(document, file, ""));
}

std::vector<ModelInput> chosen(const ModelGraph& model, const std::vector<int>& inputs) {
  std::vector<ModelInput> of_rank;
  for (const int input : inputs)
    of_rank.push_back(model.inputs[static_cast<std::size_t>(input)]);
  return of_rank;
}

/// Tiles that come over the link go to the scorer, as long as this lives.
class TileReceiver {
 public:
  TileReceiver(RankLink& link, TileScorer& scorer) : link_(link) {
    link_.hand_over("tiles", [&scorer](const Frame& frame) {
      const std::vector<TileTask> tasks = tile_tasks_from(frame);
      try {
        for (const TileTask& task : tasks) scorer.submit(task);
        if (tasks.empty()) scorer.close();
      } catch (const std::exception&) {
        // A thread of the scorer has failed: `next` says so where it is waited for.
      }
    });
  }

  ~TileReceiver() { link_.hand_over("tiles", {}); }

  TileReceiver(const TileReceiver&) = delete;
  TileReceiver& operator=(const TileReceiver&) = delete;

 private:
  RankLink& link_;
};

}  // namespace

std::string grid_text(const Grid& grid) {
  return nlohmann::json{grid.num_rows, grid.num_columns, grid.geo_transform}.dump();
}

std::vector<InputGlance> glances(const WindowSource& source, const std::vector<int>& inputs,
                                 const TileGrid& tiles) {
  WindowValues values;
  source.open()->read(tile_of(tiles, tiles.num_tiles() / 2).window, values);
  std::vector<InputGlance> seen;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    InputGlance& glance = seen.emplace_back();
    glance.input = inputs[i];
    const auto size = static_cast<double>(values.inputs[i].size());
    for (const float value : values.inputs[i]) {
      glance.mean += static_cast<double>(value) / size;
      glance.mean_magnitude += std::abs(static_cast<double>(value)) / size;
    }
  }
  return seen;
}

void predict_as_rank(const PredictRankOptions& options, RankLink& link) {
  const PredictionJob job = prediction_job_from(link.wait_for("job"));
  prepare_process(1);  // tiles are what is done in parallel: scores do not depend on threads
  const InferenceProgram::Rank& rank = job.program.ranks.at(static_cast<std::size_t>(job.rank));
  PredictionReady ready;
  ready.address = rank_address({.interface = options.interface,
                                .planned_host = rank.host,
                                .planned_address = job.has_other_machines ? job.planned_address : std::string(),
                                .has_other_machines = job.has_other_machines},
                               link);

  const std::vector<int> inputs = rank_inputs(job.program, job.model, job.rank);
  Grid scene_size;
  scene_size.num_rows = job.num_rows;
  scene_size.num_columns = job.num_columns;
  const TileScoring scoring =
      plan_tiles(job.model, scene_size, job.num_bands, job.scales,
                 {.batch_size = job.batch_size, .num_views = job.num_views});
  WindowSource source;
  if (!inputs.empty()) {
    source = source_of(scene_for(options, job), chosen(job.model, inputs), job.normalization);
    ready.grid = grid_text(source.grid);
    if (source.grid.num_rows == job.num_rows && source.grid.num_columns == job.num_columns)
      ready.glances = glances(source, inputs, scoring.tiles);
  }
  const Weights weights = weights_from(job.weights, "the coordinator's weights");
  std::optional<StageNetwork> network;
  if (!job.program.is_divided()) {
    network.emplace(whole_network(job.model, 0));
    set_weights(*network, weights, "the coordinator's weights");
  }
  link.send(to_frame(ready));
  static_cast<void>(link.wait_for("go"));

  LinkStore store(link);
  std::unique_ptr<Communicator> communicator;
  std::unique_ptr<TileScorer> scorer;
  if (network) {
    scorer = std::make_unique<TilePool>(job.model, *network, std::move(source), scoring,
                                        job.num_threads);
  } else {
    communicator = std::make_unique<Communicator>(store.place(), ready.address, job.rank,
                                                  static_cast<int>(job.program.ranks.size()),
                                                  std::vector<std::vector<int>>{});
    scorer = std::make_unique<UnitPipeline>(job.model, job.program, job.rank, weights,
                                            std::move(source), scoring, job.num_lanes,
                                            *communicator);
  }
  const TileReceiver receiver(link, *scorer);
  while (const std::optional<TileScores> scores = scorer->next())
    link.send({.header = {{"type", "scores"}}, .payload = encode(*scores)});
  // Nobody leaves while another still waits for what it was sent.
  if (communicator) communicator->barrier();
}

}  // namespace cadastre
