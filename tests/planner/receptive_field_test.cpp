#include "planner/receptive_field.h"

#include "tests/support/catch.h"
#include "tests/support/documents.h"

using namespace cadastre;
using nlohmann::json;

namespace {

/// Layers one after the other from `x`, (1, 9, 9).
ModelGraph chain(const std::vector<json>& layers) {
  json model = {{"format", "cadastre-model/1"},
                {"name", "chain"},
                {"inputs", {{{"name", "x"}, {"shape", {1, 9, 9}}}}},
                {"layers", json::array()}};
  std::string last = "x";
  for (json layer : layers) {
    layer["id"] = "layer" + std::to_string(model["layers"].size());
    layer["inputs"] = {last};
    last = layer["id"].get<std::string>();
    model["layers"].push_back(layer);
  }
  model["output"] = last;
  return model_from_json(JsonPlace(model, "model.json", ""));
}

json conv(int kernel_size, int padding, int dilation = 1, int stride = 1) {
  return {{"kind", "conv2d"},   {"out_channels", 2},    {"kernel_size", kernel_size},
          {"padding", padding}, {"dilation", dilation}, {"stride", stride}};
}

const json kRelu = {{"kind", "relu"}};

ModelGraph residual(int depth, int fused_depth) {
  const json model = {
      {"format", "cadastre-model/1"},
      {"name", "made"},
      {"inputs",
       {{{"name", "optical"}, {"shape", {4, 9, 9}}}, {{"name", "lidar"}, {"shape", {2, 18, 18}}}}},
      {"family",
       {{"name", "residual"},
        {"target", "dense"},
        {"num_classes", 5},
        {"patch", 9},
        {"depth", depth},
        {"fused_depth", fused_depth}}}};
  return model_from_json(JsonPlace(model, "model.json", ""));
}

}  // namespace

TEST_CASE("a score sees as far as the convolutions before it reach", "[planner]") {
  CHECK(receptive_radius(chain({conv(1, 0), kRelu}), {1}) == 0);
  CHECK(receptive_radius(chain({conv(3, 1)}), {1}) == 1);
  CHECK(receptive_radius(chain({conv(3, 1), kRelu, conv(5, 2)}), {1}) == 1 + 2);
  CHECK(receptive_radius(chain({conv(3, 1), conv(3, 2, 2), conv(3, 4, 4)}), {1}) == 1 + 2 + 4);
}

TEST_CASE("of two ways to a score the longer counts", "[planner]") {
  // Every residual block is two convolutions of 3, beside its own input. Two in the branch, then
  // one of dilation 1 and one of dilation 2 in the context. Before them a window of 2 × 2 fine
  // pixels, half a pixel on both sides, makes a pixel more.
  CHECK(receptive_radius(residual(2, 2), {1, 2}) == 2 * 2 + 2 + 2 * 2 + 1);
  CHECK(receptive_radius(residual(0, 0), {1, 2}).value() <= 1);
}

TEST_CASE("what sees the whole patch fits no other size", "[planner]") {
  CHECK_FALSE(receptive_radius(chain({conv(3, 1), {{"kind", "flatten"}}}), {1}).has_value());
  CHECK_FALSE(receptive_radius(chain({{{"kind", "adaptive_avg_pool2d"}, {"output_size", 1}}}), {1})
                  .has_value());
}

TEST_CASE("a dense model is the same at another size, shapes apart", "[planner]") {
  const ModelGraph model = residual(1, 1);
  const ModelGraph larger = resized(model, {1, 2}, 32);
  CHECK(larger.inputs[0].shape == Shape{4, 32, 32});
  CHECK(larger.inputs[1].shape == Shape{2, 64, 64});
  CHECK(score_shape(larger) == Shape{5, 32, 32});
  CHECK(resized(larger, {1, 2}, 9) == model);
}
