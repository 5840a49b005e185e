// Dense networks over tiles: nothing of the tiles may show in the map.
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "executor/network.h"
#include "executor/predict/tile_blender.h"
#include "executor/predict/tile_plan.h"
#include "planner/json_reader.h"
#include "planner/receptive_field.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

constexpr std::int64_t kRows = 90;
constexpr std::int64_t kColumns = 75;
constexpr std::int64_t kClasses = 3;

ModelGraph dense_model() {
  const nlohmann::json model = {
      {"format", "cadastre-model/1"},
      {"name", "dense"},
      {"inputs",
       {{{"name", "image"}, {"shape", {2, 9, 9}}}, {{"name", "height"}, {"shape", {1, 18, 18}}}}},
      {"family",
       {{"name", "residual"},
        {"target", "dense"},
        {"num_classes", kClasses},
        {"patch", 9},
        {"width", 6},
        {"fused_width", 8},
        {"depth", 1},
        {"fused_depth", 2}}}};
  return model_from_json(JsonPlace(model, "model.json", ""));
}

/// Two modalities of noise, the second of 2 × 2 pixels per reference pixel.
SceneData noise_scene() {
  SceneData scene;
  scene.grid.num_rows = kRows;
  scene.grid.num_columns = kColumns;
  std::uint32_t state = 7;
  for (const std::int64_t scale : {1, 2}) {
    ModalityData modality;
    modality.name = scale == 1 ? "image" : "height";
    modality.num_bands = scale == 1 ? 2 : 1;
    modality.scale = scale;
    std::vector<float> values(
        static_cast<std::size_t>(modality.num_bands * kRows * kColumns * scale * scale));
    for (float& value : values) {
      state = state * 1664525U + 1013904223U;
      value = static_cast<float>(state >> 8U) / 8388608.0F - 1;
    }
    modality.values = PixelStore(std::move(values));
    scene.modalities.push_back(std::move(modality));
  }
  return scene;
}

/// The probabilities of the whole scene, (K, R, C), over tiles of which each pass takes so much.
at::Tensor map_of(StageNetwork& network, const TileScoring& scoring, const SceneData& scene) {
  const at::NoGradGuard no_grad;
  at::Tensor map = at::full({kClasses, kRows, kColumns}, -1.0, at::kFloat);
  TileBlender blender(scoring.tiles, kClasses, 0, [&](const MapRows& rows) {
    const at::Tensor part = at::from_blob(const_cast<float*>(rows.probabilities.data()),
                                          {kClasses, rows.num_rows, kColumns}, at::kFloat);
    map.narrow(1, rows.first_row, rows.num_rows).copy_(part);
  });
  const WindowSource source = source_of(scene);
  const std::unique_ptr<WindowReader> reader = source.open();
  WindowValues values;
  for (std::int64_t index = 0; index < scoring.tiles.num_tiles(); ++index) {
    const Tile tile = tile_of(scoring.tiles, index);
    const Window& window = tile.window;
    reader->read(window, values);
    std::vector<at::Tensor> inputs;
    for (const Source& input : network.inputs()) {
      const auto i = static_cast<std::size_t>(input.index);
      const std::int64_t scale = source.scales[i];
      inputs.push_back(at::from_blob(
          values.inputs[i].data(),
          {1, source.num_bands[i], window.num_rows * scale, window.num_columns * scale},
          at::kFloat));
    }
    const at::Tensor scored =
        at::softmax(network
                        .forward(inputs, {.mode = ForwardMode::kEvaluation,
                                          .samples = {.begin = 0, .end = 1}})
                        .front(),
                    1)[0]
            .narrow(1, tile.extent.row - window.row, tile.extent.num_rows)
            .narrow(2, tile.extent.column - window.column, tile.extent.num_columns)
            .contiguous();
    const float* const first = scored.data_ptr<float>();
    TileScores scores;
    scores.tile = index;
    scores.probabilities.assign(first, first + scored.numel());
    scores.has_data.assign(static_cast<std::size_t>(scored.numel() / kClasses), 1);
    blender.add(scores);
  }
  return map;
}

TileScoring planned(const ModelGraph& model, const SceneData& scene, std::int64_t bytes) {
  return plan_tiles(model, scene.grid, {2, 1}, {1, 2}, {.most_working_bytes = bytes});
}

TEST_CASE("a dense map does not show the tiles that it was made by", "[executor]") {
  const ModelGraph model = dense_model();
  const SceneData scene = noise_scene();
  StageNetwork network = whole_network(model, 3);
  const TileScoring whole = planned(model, scene, std::int64_t{1} << 30);
  REQUIRE(whole.tiles.num_tiles() == 1);
  const at::Tensor expected = map_of(network, whole, scene);
  CHECK(expected.min().item<float>() >= 0);
  CHECK((expected.sum(0) - 1).abs().max().item<float>() < 1e-5F);
  // Scores that tell pixels apart: equal ones would agree whatever the tiles.
  CHECK(expected[0].std().item<double>() > 0.01);
  // Every cut of which a window holds what its scores see.
  int num_cuts = 0;
  std::int64_t last = 1;
  for (std::int64_t bytes = std::int64_t{1} << 22; bytes > std::int64_t{1} << 16;
       bytes -= bytes / 4) {
    const TileScoring small = planned(model, scene, bytes);
    if (small.tiles.num_tiles() <= last) continue;
    if (small.tiles.before < receptive_radius(model, {1, 2}).value()) break;
    last = small.tiles.num_tiles();
    ++num_cuts;
    INFO(last << " tiles of " << small.tiles.core << ", ramp " << small.tiles.ramp << ", margin "
              << small.tiles.before);
    CHECK((map_of(network, small, scene) - expected).abs().max().item<float>() < 1e-5F);
  }
  CHECK(num_cuts >= 2);
}

TEST_CASE("dense tiles fit the memory that they are given, but for a patch", "[executor]") {
  const ModelGraph model = dense_model();
  const SceneData scene = noise_scene();
  const TileGrid least = planned(model, scene, 1).tiles;
  const std::int64_t window = least.core + least.ramp + least.before + least.after;
  CHECK(window == 9);  // the model's own patch
  CHECK(least.ramp % 2 == 0);
  CHECK(least.ramp <= least.core);
  const TileGrid large = planned(model, scene, std::int64_t{1} << 40).tiles;
  CHECK(large.core + large.ramp + large.before + large.after <= 512);
}

TEST_CASE("pixel networks are tiled by pixels of their own, without ramps", "[executor]") {
  ModelGraph model = dense_model();
  nlohmann::json document = {
      {"format", "cadastre-model/1"},
      {"name", "pixel"},
      {"inputs", {{{"name", "image"}, {"shape", {2, 9, 9}}}}},
      {"family", {{"name", "residual"}, {"num_classes", kClasses}, {"patch", 9}}}};
  model = model_from_json(JsonPlace(document, "model.json", ""));
  const TileScoring scoring = plan_tiles(model, noise_scene().grid, {2}, {1}, {.batch_size = 32});
  CHECK_FALSE(scoring.is_dense);
  CHECK(scoring.patch == 9);
  CHECK(scoring.tiles.ramp == 0);
  CHECK(scoring.tiles.before + 1 + scoring.tiles.after == 9);
}

}  // namespace
}  // namespace cadastre
