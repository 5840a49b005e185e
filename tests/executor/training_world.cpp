#include "tests/executor/training_world.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/scene.h"
#include "tests/executor/raster_fixture.h"
#include "tests/support/worlds.h"

namespace cadastre::test {

namespace {

constexpr int kFirstTestRow = 16;

/// In [-1, 1], the same everywhere: a hash of the place (Jenkins' one-at-a-time finish).
double noise(int band, int row, int column) {
  auto bits = static_cast<std::uint32_t>((band * 1009 + row) * 1013 + column) * 2654435761U;
  bits ^= bits >> 15;
  bits *= 2246822519U;
  bits ^= bits >> 13;
  return static_cast<double>(bits) / 2147483648.0 - 1;
}

/// Stripes of two columns, so that every row has every class.
int class_at(int column) { return 1 + column / 2 % 3; }

const char* const kModel = R"({
 "format": "cadastre-model/1",
 "name": "two-sensors",
 "inputs": [
  {"name": "image", "shape": [2, 5, 5]},
  {"name": "height", "shape": [1, 10, 10]}
 ],
 "layers": [
  {"id": "image.conv1", "kind": "conv2d", "inputs": ["image"], "out_channels": 6, "kernel_size": 3, "padding": 1, "bias": false},
  {"id": "image.norm1", "kind": "batch_norm2d", "inputs": ["image.conv1"]},
  {"id": "image.relu1", "kind": "relu", "inputs": ["image.norm1"]},
  {"id": "image.conv2", "kind": "conv2d", "inputs": ["image.relu1"], "out_channels": 6, "kernel_size": 3, "padding": 1, "bias": false},
  {"id": "image.norm2", "kind": "batch_norm2d", "inputs": ["image.conv2"]},
  {"id": "image.add", "kind": "add", "inputs": ["image.norm2", "image.relu1"]},
  {"id": "image.relu2", "kind": "relu", "inputs": ["image.add"]},
  {"id": "image.flatten", "kind": "flatten", "inputs": ["image.relu2"]},
  {"id": "height.conv1", "kind": "conv2d", "inputs": ["height"], "out_channels": 4, "kernel_size": 3, "padding": 1, "bias": false},
  {"id": "height.norm1", "kind": "batch_norm2d", "inputs": ["height.conv1"]},
  {"id": "height.relu1", "kind": "relu", "inputs": ["height.norm1"]},
  {"id": "height.pool1", "kind": "max_pool2d", "inputs": ["height.relu1"], "kernel_size": 2},
  {"id": "height.flatten", "kind": "flatten", "inputs": ["height.pool1"]},
  {"id": "fusion", "kind": "concat", "inputs": ["image.flatten", "height.flatten"]},
  {"id": "classifier.linear1", "kind": "linear", "inputs": ["fusion"], "out_features": 16},
  {"id": "classifier.relu", "kind": "relu", "inputs": ["classifier.linear1"]},
  {"id": "classifier.linear2", "kind": "linear", "inputs": ["classifier.relu"], "out_features": 3}
 ],
 "output": "classifier.linear2",
 "batch_norm_group_samples": 4
})";

const char* const kDenseModel = R"({
 "format": "cadastre-model/1",
 "name": "two-sensors-dense",
 "inputs": [
  {"name": "image", "shape": [2, 8, 8]},
  {"name": "height", "shape": [1, 16, 16]}
 ],
 "layers": [
  {"id": "image.conv", "kind": "conv2d", "inputs": ["image"], "out_channels": 6, "kernel_size": 3, "padding": 1},
  {"id": "image.relu", "kind": "relu", "inputs": ["image.conv"]},
  {"id": "height.conv", "kind": "conv2d", "inputs": ["height"], "out_channels": 4, "kernel_size": 3, "padding": 1},
  {"id": "height.pool", "kind": "max_pool2d", "inputs": ["height.conv"], "kernel_size": 2},
  {"id": "fusion", "kind": "concat", "inputs": ["image.relu", "height.pool"]},
  {"id": "fusion.conv", "kind": "conv2d", "inputs": ["fusion"], "out_channels": 8, "kernel_size": 3, "padding": 1, "bias": false},
  {"id": "fusion.norm", "kind": "batch_norm2d", "inputs": ["fusion.conv"]},
  {"id": "fusion.relu", "kind": "relu", "inputs": ["fusion.norm"]},
  {"id": "scores", "kind": "conv2d", "inputs": ["fusion.relu"], "out_channels": 3, "kernel_size": 1}
 ],
 "output": "scores",
 "batch_norm_group_samples": 4
})";

nlohmann::json dropout(const std::string& id, const std::string& input) {
  return {{"id", id}, {"kind", "dropout"}, {"inputs", {input}}, {"p", 0.25}};
}

/// Puts a layer between `reader` and its only input.
void insert_before(nlohmann::json& layers, const std::string& reader, const std::string& id) {
  const auto at = std::find_if(layers.begin(), layers.end(),
                               [&](const nlohmann::json& layer) { return layer["id"] == reader; });
  const auto input = (*at)["inputs"][0].get<std::string>();
  (*at)["inputs"][0] = id;
  layers.insert(at, dropout(id, input));
}

}  // namespace

void write_training_scene(const std::filesystem::path& directory, int side) {
  std::filesystem::create_directories(directory);
  write_tiny_raster(directory / "labels.tif", {.rows = side, .columns = side, .is_float = false},
                    [](int, int, int column) { return class_at(column); });
  write_tiny_raster(directory / "split.tif", {.rows = side, .columns = side, .is_float = false},
                    [](int, int row, int) { return row < kFirstTestRow ? 1 : 2; });
  write_tiny_raster(directory / "image.tif", {.rows = side, .columns = side, .bands = 2},
                    [](int band, int row, int column) {
                      return 100.0 * (class_at(column) == band + 1 ? 1 : 0) +
                             80 * noise(band, row, column);
                    });
  write_tiny_raster(directory / "height.tif",
                    {.rows = 2 * side, .columns = 2 * side, .pixel = 0.5},
                    [](int, int row, int column) {
                      return 3.0 * class_at(column / 2) + 2.5 * noise(2, row, column);
                    });
  Scene scene;
  scene.name = "stripes";
  scene.modalities = {{.name = "image", .raster = "image.tif", .num_bands = 2},
                      {.name = "height", .raster = "height.tif", .num_bands = 1}};
  scene.labels = "labels.tif";
  scene.classes = {{.id = 1, .name = "One", .color = {200, 0, 0}},
                   {.id = 2, .name = "Two", .color = {0, 200, 0}},
                   {.id = 3, .name = "Three", .color = {0, 0, 200}}};
  scene.split = {.raster = "split.tif", .train = 1, .test = 2};
  write_file(directory / "scene.json", json_text(to_json(scene)));
}

ModelGraph dense_training_model() {
  const nlohmann::json model = parse_json(kDenseModel, "model.json");
  return model_from_json(JsonPlace(model, "model.json", ""));
}

ModelGraph training_model(WithDropout with_dropout) {
  nlohmann::json model = parse_json(kModel, "model.json");
  if (with_dropout == WithDropout::kYes) {
    insert_before(model["layers"], "image.flatten", "image.dropout");
    insert_before(model["layers"], "classifier.linear2", "classifier.dropout");
  }
  return model_from_json(JsonPlace(model, "model.json", ""));
}

std::vector<Stage> pipeline_stages(const ModelGraph& model,
                                   const std::vector<std::string>& last_layers) {
  std::vector<Stage> stages(1);
  for (const Layer& layer : model.layers) {
    stages.back().layers.push_back(layer.id);
    if (std::find(last_layers.begin(), last_layers.end(), layer.id) != last_layers.end())
      stages.emplace_back();
  }
  return with_replicas(stages, std::vector<std::vector<double>>(stages.size(), {1.0}));
}

std::vector<Stage> branch_stages(const ModelGraph& model,
                                 const std::vector<std::string>& beginnings) {
  std::vector<Stage> stages(beginnings.size());
  for (const Layer& layer : model.layers) {
    const auto found =
        std::find_if(beginnings.begin(), beginnings.end(),
                     [&](const std::string& beginning) { return layer.id.starts_with(beginning); });
    stages[static_cast<std::size_t>(found - beginnings.begin())].layers.push_back(layer.id);
  }
  return with_replicas(stages, std::vector<std::vector<double>>(stages.size(), {1.0}));
}

std::vector<Stage> with_replicas(std::vector<Stage> stages,
                                 const std::vector<std::vector<double>>& shares) {
  int next_host = 1;
  for (std::size_t s = 0; s < stages.size(); ++s) {
    stages[s].replicas.clear();
    for (const double share : shares.at(s))
      stages[s].replicas.push_back({.host = "node" + std::to_string(next_host++), .share = share});
  }
  return stages;
}

std::vector<Stage> on_hosts(std::vector<Stage> stages, const std::vector<std::vector<int>>& hosts) {
  for (std::size_t s = 0; s < stages.size(); ++s) {
    stages[s].replicas.clear();
    for (const int host : hosts.at(s)) {
      std::string name = "node";
      name += std::to_string(host);
      stages[s].replicas.push_back(
          {.host = name, .share = 1.0 / static_cast<double>(hosts[s].size())});
    }
  }
  return stages;
}

std::vector<Stage> recomputing(std::vector<Stage> stages, const std::vector<std::size_t>& which) {
  for (const std::size_t stage : which) stages.at(stage).recompute = true;
  return stages;
}

PlanDocument plan_document(const ModelGraph& model, std::vector<Stage> stages,
                           std::int64_t micro_batches, Schedule schedule) {
  constexpr double kAnySeconds = 1e-4;
  PlanDocument document{
      .profile = worlds::profile_of(model, std::vector<double>(model.layers.size(), kAnySeconds)),
      .cluster = worlds::hosts({1, 1, 1, 1, 1})};
  document.plan = {.strategy = "pipeline",
                   .batch_size = kBatchSize,
                   .micro_batches = micro_batches,
                   .schedule = schedule,
                   .stages = std::move(stages),
                   .predicted = {.step_s = 1}};
  return document;
}

}  // namespace cadastre::test
