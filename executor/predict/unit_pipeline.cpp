#include "executor/predict/unit_pipeline.h"

#include <torch/torch.h>

#include <algorithm>
#include <limits>
#include <set>
#include <stdexcept>
#include <utility>

#include "executor/predict/tile_network.h"
#include "planner/receptive_field.h"

namespace cadastre {

namespace {

/// A dense network sees windows of another size than the patches that it was trained on.
ModelGraph as_scored(const ModelGraph& model, const TileScoring& scoring) {
  if (!scoring.is_dense) return model;
  return resized(model, scoring.scales, tile_of(scoring.tiles, 0).window.num_rows);
}

}  // namespace

/// What one lane has of the unit that it is at.
class UnitPipeline::Lane {
 public:
  Lane(UnitPipeline& pipeline, int number) : pipeline_(pipeline), number_(number) {
    if (!pipeline.source_.scales.empty()) reader_ = pipeline.source_.open();
    for (const auto& [stage, of_stage] : pipeline.stages_)
      if (of_stage.program) together_.emplace(stage, *of_stage.program);
  }

  TileScores score(const TileTask& task) {
    tile_ = tile_of(pipeline_.scoring_.tiles, task.tile);
    route_ = route(pipeline_.program_, task.number);
    TileScores scores;
    scores.tile = task.tile;
    const auto reads = [&](const auto& stage) {
      return is_mine(stage.first) && stage.second.reads_rasters;
    };
    if (std::any_of(pipeline_.stages_.begin(), pipeline_.stages_.end(), reads)) {
      reader_->read(tile_.window, values_);
      scores.has_data = extent_mask(tile_, values_.has_data);
    }
    const std::int64_t units = num_units(pipeline_.scoring_, tile_);
    std::map<Key, Arrival> next = post_receives(0);
    for (std::int64_t unit = 0; unit < units; ++unit) {
      std::map<Key, Arrival> arriving = std::move(next);
      next.clear();
      if (unit + 1 < units) next = post_receives(unit + 1);
      score_unit(unit, arriving, scores);
      for (const int message : sent_before_) pipeline_.communicator_.wait(message);
      sent_before_ = std::exchange(sent_, {});
    }
    return scores;
  }

 private:
  using Key = std::pair<int, int>;  ///< layer, and the stage that reads it

  struct Arrival {
    at::Tensor tensor;
    int message = 0;
  };

  [[nodiscard]] bool is_mine(int stage) const {
    return route_[static_cast<std::size_t>(stage)] == pipeline_.rank_;
  }

  [[nodiscard]] int rank_of_layer(int layer) const {
    return route_[static_cast<std::size_t>(pipeline_.program_.stage_of(layer))];
  }

  /// All that the unit's stages here read from other ranks, before it is needed.
  std::map<Key, Arrival> post_receives(std::int64_t unit) {
    std::map<Key, Arrival> posted;
    for (const auto& [number, stage] : pipeline_.stages_) {
      if (!is_mine(number)) continue;
      for (std::size_t i = 0; i < stage.network->inputs().size(); ++i) {
        const Source& source = stage.network->inputs()[i];
        if (source.is_model_input || rank_of_layer(source.index) == pipeline_.rank_) continue;
        const std::vector<std::int64_t> shape = shape_of(stage, i, unit);
        Arrival arrival;
        arrival.tensor = at::empty(shape, at::kFloat);
        arrival.message = pipeline_.communicator_.post_receive(
            arrival.tensor, rank_of_layer(source.index),
            pipeline_.tag(number_, source.index, number));
        posted.emplace(Key(source.index, number), std::move(arrival));
      }
    }
    return posted;
  }

  /// Of an input that another stage computes.
  [[nodiscard]] std::vector<std::int64_t> shape_of(const Stage& stage, std::size_t input,
                                                   std::int64_t unit) const {
    if (stage.program) {
      const UnitSize size = unit_size(pipeline_.scoring_, tile_, unit);
      return {num_values(*stage.program, stage.program->inputs[input].sets, size.num_rows,
                         size.num_columns)};
    }
    const auto layer = static_cast<std::size_t>(stage.network->inputs()[input].index);
    const Shape& of_sample = pipeline_.model_.layers[layer].output_shape;
    std::vector<std::int64_t> shape = {unit_rows(pipeline_.scoring_, tile_, unit)};
    shape.insert(shape.end(), of_sample.begin(), of_sample.end());
    return shape;
  }

  void score_unit(std::int64_t unit, const std::map<Key, Arrival>& arriving, TileScores& scores) {
    std::map<int, at::Tensor> computed;  // by layer
    for (const auto& [number, stage] : pipeline_.stages_) {
      if (!is_mine(number)) continue;
      std::vector<at::Tensor> inputs;
      for (const Source& source : stage.network->inputs()) {
        if (source.is_model_input) {
          const auto input = static_cast<std::size_t>(source.index);
          inputs.push_back(unit_input(pipeline_.scoring_, tile_, unit, input,
                                      values_.inputs[pipeline_.positions_[input]]));
        } else if (const auto here = computed.find(source.index); here != computed.end()) {
          inputs.push_back(here->second);
        } else {
          const Arrival& arrival = arriving.at({source.index, number});
          pipeline_.communicator_.wait(arrival.message);
          inputs.push_back(arrival.tensor);
        }
      }
      const UnitSize size = unit_size(pipeline_.scoring_, tile_, unit);
      const std::vector<at::Tensor> outputs =
          stage.program
              ? together_.at(number).forward(inputs, size.num_rows, size.num_columns)
              : stage.network->forward(
                    inputs, {.mode = ForwardMode::kEvaluation,
                             .samples = {.begin = 0, .end = inputs.front().size(0)}});
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        const int layer = stage.network->outputs()[i];
        computed[layer] = outputs[i];
        if (layer == pipeline_.output_)
          add_unit_scores(pipeline_.scoring_, tile_, unit, outputs[i], scores.probabilities);
        send(layer, outputs[i], stage.readers[i]);
      }
    }
  }

  void send(int layer, const at::Tensor& output, const std::vector<int>& readers) {
    for (const int reader : readers) {
      if (is_mine(reader)) continue;
      sent_.push_back(pipeline_.communicator_.post_send(
          output.contiguous(), route_[static_cast<std::size_t>(reader)],
          pipeline_.tag(number_, layer, reader)));
    }
  }

  UnitPipeline& pipeline_;
  int number_;
  std::map<int, TileNetwork> together_;  ///< by stage, where patches are computed together
  std::unique_ptr<WindowReader> reader_;
  WindowValues values_;
  Tile tile_;
  std::vector<int> route_;  ///< [stage] rank
  std::vector<int> sent_;
  std::vector<int> sent_before_;  ///< of the unit before
};

UnitPipeline::UnitPipeline(const ModelGraph& model, const InferenceProgram& program, int rank,
                           const Weights& weights, WindowSource source, const TileScoring& scoring,
                           int num_lanes, Communicator& communicator)
    : program_(program),
      rank_(rank),
      scoring_(scoring),
      model_(as_scored(model, scoring)),
      output_(layer_index(model, model.output)),
      positions_(model.inputs.size(), 0),
      source_(std::move(source)),
      communicator_(communicator),
      done_(std::numeric_limits<std::size_t>::max()) {
  const std::vector<std::vector<int>> consumers = layer_consumers(model);
  for (const int number : program.ranks[static_cast<std::size_t>(rank)].stages) {
    Stage& stage = stages_[number];
    stage.network = std::make_unique<StageNetwork>(model, program.layers_of(number), 0);
    set_weights(*stage.network, weights, "weights.pt");
    if (scoring.shares_patches)
      stage.program =
          patch_program(model, *stage.network, program.layers_of(number), scoring.scales);
    for (const Source& input : stage.network->inputs())
      stage.reads_rasters = stage.reads_rasters || input.is_model_input;
    for (const int layer : stage.network->outputs()) {
      std::set<int> readers;
      for (const int consumer : consumers[static_cast<std::size_t>(layer)])
        if (program.stage_of(consumer) != number) readers.insert(program.stage_of(consumer));
      stage.readers.emplace_back(readers.begin(), readers.end());
    }
  }
  const std::vector<int> inputs = rank_inputs(program, model, rank);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    positions_[static_cast<std::size_t>(inputs[i])] = i;
  for (int lane = 0; lane < num_lanes; ++lane)
    asked_.push_back(std::make_unique<BlockingQueue<TileTask>>(
        std::numeric_limits<std::size_t>::max()));
  for (int lane = 0; lane < num_lanes; ++lane)
    threads_.emplace_back([this, lane] { run_lane(lane); });
}

UnitPipeline::~UnitPipeline() {
  const std::exception_ptr ended = std::make_exception_ptr(std::runtime_error("ended"));
  for (const auto& asked : asked_) asked->fail(ended);
  done_.fail(ended);
  communicator_.abort("ended");  // a lane may wait for a rank that is gone
}

void UnitPipeline::submit(const TileTask& task) {
  asked_[static_cast<std::size_t>(task.number) % asked_.size()]->push(task);
}

void UnitPipeline::fail() {
  const std::exception_ptr failure = std::current_exception();
  for (const auto& asked : asked_) asked->fail(failure);
  done_.fail(failure);
}

void UnitPipeline::run_lane(int lane) {
  try {
    const at::NoGradGuard no_grad;
    Lane work(*this, lane);
    while (const std::optional<TileTask> task = asked_[static_cast<std::size_t>(lane)]->pop()) {
      TileScores scores = work.score(*task);
      if (!scores.has_data.empty() || !scores.probabilities.empty())
        done_.push(std::move(scores));
    }
  } catch (...) {
    fail();
  }
}

int UnitPipeline::tag(int lane, int layer, int reading_stage) const {
  const auto num_stages = static_cast<int>(program_.stages.size());
  const auto num_layers = static_cast<int>(model_.layers.size());
  return (lane * num_layers + layer) * num_stages + reading_stage;
}

}  // namespace cadastre
