#include "executor/predict/tile_network.h"

#include <torch/torch.h>

#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "executor/weights.h"
#include "planner/json_reader.h"
#include "tests/executor/small_networks.h"
#include "tests/support/catch.h"

using namespace cadastre;

namespace {

/// A member of a family for two modalities, the second of twice the resolution.
ModelGraph family_member(nlohmann::json family, std::int64_t patch) {
  family["num_classes"] = 5;
  family["patch"] = patch;
  family["width"] = 6;
  family["fused_width"] = 20;  // not a multiple of what is computed together
  const nlohmann::json document = {{"format", "cadastre-model/1"},
                                   {"name", "small"},
                                   {"inputs",
                                    {{{"name", "optical"}, {"shape", {3, patch, patch}}},
                                     {{"name", "height"}, {"shape", {1, 2 * patch, 2 * patch}}}}},
                                   {"family", family},
                                   {"batch_norm_group_samples", 4}};
  return model_from_json(JsonPlace(document, "small.json", ""));
}

/// Trained for a while, as it were: no statistic is what it was at the start.
StageNetwork stirred_network(const ModelGraph& model) {
  torch::manual_seed(7);
  StageNetwork network = whole_network(model, 3);
  for (const NamedTensor& parameter : network.parameters())
    if (parameter.tensor.dim() == 1) {
      at::Tensor values = parameter.tensor.detach();
      values.add_(at::rand(values.sizes()), 0.5);
    }
  for (const NamedTensor& buffer : network.buffers()) {
    at::Tensor values = buffer.tensor;
    values.add_(at::rand(values.sizes()), 0.5);
  }
  return network;
}

std::vector<at::Tensor> random_windows(const ModelGraph& model,
                                       const std::vector<std::int64_t>& scales, std::int64_t rows,
                                       std::int64_t columns) {
  torch::manual_seed(11);
  std::vector<at::Tensor> windows;
  for (std::size_t i = 0; i < scales.size(); ++i) {
    const Shape& shape = model.inputs[i].shape;
    const std::int64_t border = shape[1] / scales[i] - 1;
    windows.push_back(
        at::randn({1, shape[0], (rows + border) * scales[i], (columns + border) * scales[i]}));
  }
  return windows;
}

/// The network's own scores, patch by patch: (1, K, rows, columns).
at::Tensor patch_scores(StageNetwork& network, const ModelGraph& model,
                        const std::vector<std::int64_t>& scales,
                        const std::vector<at::Tensor>& windows, std::int64_t rows,
                        std::int64_t columns) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> inputs;
  for (const Source& source : network.inputs()) {
    const auto i = static_cast<std::size_t>(source.index);
    const std::int64_t side = model.inputs[i].shape[1];
    std::vector<at::Tensor> patches;
    for (std::int64_t y = 0; y < rows; ++y)
      for (std::int64_t x = 0; x < columns; ++x)
        patches.push_back(
            windows[i][0].narrow(1, y * scales[i], side).narrow(2, x * scales[i], side));
    inputs.push_back(at::stack(patches).contiguous());
  }
  const at::Tensor scores = network
                                .forward(inputs, {.mode = ForwardMode::kEvaluation,
                                                  .samples = {.begin = 0, .end = rows * columns}})
                                .front();
  return scores.t().reshape({1, scores.size(1), rows, columns});
}

std::vector<int> all_layers(const ModelGraph& model) {
  std::vector<int> layers(model.layers.size());
  std::iota(layers.begin(), layers.end(), 0);
  return layers;
}

at::Tensor together(const ModelGraph& model, StageNetwork& network,
                    const std::vector<std::int64_t>& scales, const std::vector<at::Tensor>& windows,
                    std::int64_t rows, std::int64_t columns) {
  const std::optional<PatchProgram> program =
      patch_program(model, network, all_layers(model), scales);
  REQUIRE(program);
  std::vector<at::Tensor> inputs;
  for (const Source& source : network.inputs())
    inputs.push_back(windows[static_cast<std::size_t>(source.index)]);
  return TileNetwork(*program).forward(inputs, rows, columns).front();
}

void check_equal_scores(const ModelGraph& model, const std::vector<std::int64_t>& scales) {
  constexpr std::int64_t kRows = 18;  // more than a strip
  constexpr std::int64_t kColumns = 19;
  StageNetwork network = stirred_network(model);
  REQUIRE(can_share_patches(model, scales));
  const auto windows = random_windows(model, scales, kRows, kColumns);
  const at::Tensor expected = patch_scores(network, model, scales, windows, kRows, kColumns);
  const at::Tensor found = together(model, network, scales, windows, kRows, kColumns);
  REQUIRE(found.sizes() == expected.sizes());
  const auto difference = (found - expected).abs().max().item<double>();
  CAPTURE(model.name, difference, expected.abs().max().item<double>());
  CHECK(difference < 1e-5 * std::max(1.0, expected.abs().max().item<double>()));
  CHECK((expected.amax() - expected.amin()).item<double>() > 0.1);  // no constant
}

}  // namespace

TEST_CASE("a tile's scores are those of its patches one by one, of both families", "[executor]") {
  for (const char* name : {"residual", "paper"})
    for (const char* fusion : {"early", "middle", "late"})
      for (const std::int64_t patch : {1, 6, 7, 11}) {
        CAPTURE(name, fusion, patch);
        if (std::string(name) == "paper" && patch == 1) continue;
        check_equal_scores(family_member({{"name", name}, {"fusion", fusion}}, patch), {1, 2});
      }
}

TEST_CASE("a tile's scores are those of its patches, whatever the layers", "[executor]") {
  using small::layer;
  const ModelGraph model = small::checked(
      {.name = "odd",
       .inputs = {{.name = "a", .shape = {4, 9, 9}}, {.name = "b", .shape = {2, 9, 9}}},
       .layers =
           {layer("group", Conv2d{.out_channels = 6, .kernel_size = 3, .padding = 2, .groups = 2},
                  {"a"}),                           // (6, 11, 11)
            layer("norm_a", BatchNorm2d{}, {"a"}),  // (4, 9, 9)
            layer("wide", Conv2d{.out_channels = 6, .kernel_size = 3, .padding = 3, .dilation = 2},
                  {"norm_a"}),                                        // (6, 11, 11)
            layer("both", Add{}, {"group", "wide"}),                  // read twice
            layer("both_relu", Relu{}, {"both"}),                     //
            layer("join", Concat{}, {"both_relu", "group", "both"}),  // (18, 11, 11)
            layer("join_norm", BatchNorm2d{}, {"join"}),              //
            layer("three", Add{}, {"join", "join_norm", "join"}),     //
            layer("pool", MaxPool2d{.kernel_size = 3, .stride = 2, .padding = 1}, {"three"}),
            layer("mean", AdaptiveAvgPool2d{.output_size = 4}, {"pool"}),  // (18, 4, 4)
            layer("even", Conv2d{.out_channels = 17, .kernel_size = 2, .stride = 2}, {"mean"}),
            layer("even_sum", Add{}, {"even", "even"}),                // (17, 2, 2)
            layer("flat", Flatten{}, {"even_sum"}),                    //
            layer("crop_b", CenterCrop2d{.size = 3}, {"b"}),           //
            layer("flat_b", Flatten{}, {"crop_b"}),                    //
            layer("features", Concat{}, {"flat", "flat_b"}),           // 68 + 18
            layer("dropout", Dropout{.p = 0.4}, {"features"}),         //
            layer("hidden", Linear{.out_features = 33}, {"dropout"}),  //
            layer("hidden_relu", Relu{}, {"hidden"}),                  //
            layer("scores", Linear{.out_features = 3, .bias = false}, {"hidden_relu"})},
       .output = "scores"});
  check_equal_scores(model, {1, 1});
}

TEST_CASE("a pixel's scores are the same bytes in whatever strip it lies", "[executor]") {
  constexpr std::int64_t kRows = 37;
  constexpr std::int64_t kColumns = 45;
  const ModelGraph model = family_member({{"name", "residual"}}, 7);
  const std::vector<std::int64_t> scales{1, 2};
  StageNetwork network = stirred_network(model);
  const auto windows = random_windows(model, scales, kRows, kColumns);
  const at::Tensor whole = together(model, network, scales, windows, kRows, kColumns);
  constexpr std::int64_t kTop = 5;
  constexpr std::int64_t kLeft = 9;
  for (const std::int64_t rows : {1, 3, 20})
    for (const std::int64_t columns : {1, 2, 5, 31}) {
      std::vector<at::Tensor> parts;
      for (std::size_t i = 0; i < scales.size(); ++i)
        parts.push_back(windows[i]
                            .narrow(2, kTop * scales[i], (rows + 6) * scales[i])
                            .narrow(3, kLeft * scales[i], (columns + 6) * scales[i]));
      const at::Tensor part = together(model, network, scales, parts, rows, columns);
      const at::Tensor same = whole.narrow(2, kTop, rows).narrow(3, kLeft, columns).contiguous();
      CAPTURE(rows, columns);
      CHECK(std::memcmp(part.data_ptr(), same.data_ptr(), same.nbytes()) == 0);
    }
}

TEST_CASE("a pixel's scores are the same bytes however the network is divided", "[executor]") {
  constexpr std::int64_t kRows = 5;
  constexpr std::int64_t kColumns = 7;
  const std::vector<std::int64_t> scales{1, 2};
  for (const char* name : {"residual", "paper"}) {
    const ModelGraph model = family_member({{"name", name}}, 7);
    StageNetwork network = stirred_network(model);
    const Weights weights = stage_weights(network);
    const auto windows = random_windows(model, scales, kRows, kColumns);
    const at::Tensor whole = together(model, network, scales, windows, kRows, kColumns);
    // Wherever a layer ends, the one that it is computed together with included.
    for (std::size_t cut = 1; cut < model.layers.size(); ++cut) {
      std::vector<int> first = all_layers(model);
      const std::vector<int> second(first.begin() + static_cast<std::ptrdiff_t>(cut), first.end());
      first.resize(cut);
      std::map<int, at::Tensor> passed;
      at::Tensor scores;
      for (const std::vector<int>& layers : {first, second}) {
        StageNetwork stage(model, layers, 0);
        set_weights(stage, weights, "weights");
        const auto program = patch_program(model, stage, layers, scales);
        REQUIRE(program);
        std::vector<at::Tensor> inputs;
        for (std::size_t i = 0; i < stage.inputs().size(); ++i) {
          const Source& source = stage.inputs()[i];
          inputs.push_back(source.is_model_input ? windows[static_cast<std::size_t>(source.index)]
                                                 : passed.at(source.index));
          if (!source.is_model_input)
            CHECK(inputs.back().numel() ==
                  num_values(*program, program->inputs[i].sets, kRows, kColumns));
        }
        const auto outputs = TileNetwork(*program).forward(inputs, kRows, kColumns);
        for (std::size_t i = 0; i < outputs.size(); ++i) passed[stage.outputs()[i]] = outputs[i];
        scores = outputs.back();
      }
      CAPTURE(name, cut, model.layers[cut].id);
      REQUIRE(scores.sizes() == whole.sizes());
      CHECK(std::memcmp(scores.data_ptr(), whole.data_ptr(), whole.nbytes()) == 0);
    }
  }
}

TEST_CASE("maps added to features are left to the network itself", "[executor]") {
  using small::layer;
  const ModelGraph model =
      small::checked({.name = "mixed",
                      .inputs = {{.name = "a", .shape = {2, 3, 3}}},
                      .layers = {layer("flat", Flatten{}, {"a"}),
                                 layer("features", Linear{.out_features = 18}, {"flat"}),
                                 layer("sum", Add{}, {"flat", "features"}),
                                 layer("scores", Linear{.out_features = 2}, {"sum"})},
                      .output = "scores"});
  CHECK_FALSE(can_share_patches(model, {1}));
}
