// Hidden from ordinary runs: `executor_tests "[!benchmark]"` prints the times.

#include <torch/torch.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <vector>

#include "executor/instruction_meter.h"
#include "executor/network.h"
#include "executor/predict/tile_network.h"
#include "executor/process_setup.h"
#include "executor/timing.h"
#include "planner/json_reader.h"
#include "tests/support/catch.h"

using namespace cadastre;

namespace {

constexpr std::int64_t kPatch = 11;
constexpr std::int64_t kRows = 16;  // of a strip, as maps are made
constexpr std::int64_t kColumns = 64;

/// What `cadastre model` makes for three modalities of 1, 1/2 and 1/4 of the pixel's side.
ModelGraph default_model() {
  nlohmann::json inputs = nlohmann::json::array();
  const std::vector<std::pair<const char*, std::vector<std::int64_t>>> modalities = {
      {"hyperspectral", {48, kPatch, kPatch}},
      {"lidar", {2, 2 * kPatch, 2 * kPatch}},
      {"rgb", {3, 4 * kPatch, 4 * kPatch}}};
  for (const auto& [name, shape] : modalities) inputs.push_back({{"name", name}, {"shape", shape}});
  const nlohmann::json document = {
      {"format", "cadastre-model/1"},
      {"name", "default"},
      {"inputs", inputs},
      {"family", {{"name", "residual"}, {"num_classes", 8}, {"patch", kPatch}}},
      {"batch_norm_group_samples", 16}};
  return model_from_json(JsonPlace(document, "default model", ""));
}

/// Pixels a second of processor time of `score`, which scores so many: what else the machine does
/// counts little.
template <typename Score>
double rate(std::int64_t num_pixels, const Score& score) {
  constexpr int kPasses = 15;
  const InstructionMeter meter;
  std::vector<double> seconds;
  for (int pass = 0; pass < kPasses; ++pass) {
    const double begin_s = meter.read().cpu_s;
    score();
    seconds.push_back(meter.read().cpu_s - begin_s);
  }
  return static_cast<double>(num_pixels) / summarize(seconds).median_s;
}

}  // namespace

TEST_CASE("pixels a second of a thread", "[!benchmark]") {
  prepare_process(1);
  const at::NoGradGuard no_grad;
  const ModelGraph model = default_model();
  const std::vector<std::int64_t> scales{1, 2, 4};
  StageNetwork network = whole_network(model, 1);
  std::vector<int> layers(model.layers.size());
  std::iota(layers.begin(), layers.end(), 0);
  const std::optional<PatchProgram> program = patch_program(model, network, layers, scales);
  REQUIRE(program);
  TileNetwork together(*program);

  constexpr std::int64_t kBatch = 256;
  std::vector<at::Tensor> patches;
  std::vector<at::Tensor> windows;
  for (std::size_t i = 0; i < scales.size(); ++i) {
    const Shape& shape = model.inputs[i].shape;
    patches.push_back(at::randn({kBatch, shape[0], shape[1], shape[2]}));
    windows.push_back(at::randn(
        {1, shape[0], (kRows + kPatch - 1) * scales[i], (kColumns + kPatch - 1) * scales[i]}));
  }
  const double one_by_one = rate(kBatch, [&] {
    static_cast<void>(network.forward(
        patches, {.mode = ForwardMode::kEvaluation, .samples = {.begin = 0, .end = kBatch}}));
  });
  const double all = rate(kRows * kColumns,
                          [&] { static_cast<void>(together.forward(windows, kRows, kColumns)); });
  std::printf("{\"patch_by_patch_pixels_per_s\": %.0f, \"together_pixels_per_s\": %.0f}\n",
              one_by_one, all);
}
