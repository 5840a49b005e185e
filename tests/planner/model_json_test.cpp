#include "planner/model_graph.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"

using namespace cadastre;
using documents::refusal_of;
using documents::with;
using documents::without;
using nlohmann::json;

namespace {

/// Two convolutions that are added, then a classifier; layers are 0 conv1, 1 conv2, 2 add,
/// 3 flatten, 4 linear.
json sound() {
  return json::parse(R"({
    "format": "cadastre-model/1", "name": "small",
    "inputs": [{"name": "rgb", "shape": [3, 8, 8]}],
    "layers": [
      {"id": "conv1", "kind": "conv2d", "inputs": ["rgb"], "out_channels": 4, "kernel_size": 3, "padding": 1},
      {"id": "conv2", "kind": "conv2d", "inputs": ["conv1"], "out_channels": 4, "kernel_size": 3, "padding": 1},
      {"id": "add", "kind": "add", "inputs": ["conv1", "conv2"]},
      {"id": "flatten", "kind": "flatten", "inputs": ["add"]},
      {"id": "linear", "kind": "linear", "inputs": ["flatten"], "out_features": 2}],
    "output": "linear"})");
}

std::string refused(const json& document) { return refusal_of(document, model_from_json); }

/// `sound` with the second convolution replaced.
json with_conv2(const json& layer) { return with(sound(), "/layers/1", layer); }

}  // namespace

TEST_CASE("a model may leave out what has a default in PyTorch", "[planner]") {
  const ModelGraph model = documents::reread(sound(), model_from_json);
  CHECK(model.batch_norm_group_samples == 1);
  CHECK(std::get<Conv2d>(model.layers[0].operation) == Conv2d{.out_channels = 4,
                                                              .kernel_size = 3,
                                                              .stride = 1,
                                                              .padding = 1,
                                                              .groups = 1,
                                                              .bias = true});

  // A pooling window moves by its own size.
  const ModelGraph pooled = documents::reread(
      with(
          with(sound(), "/layers/2",
               {{"id", "pool"}, {"kind", "max_pool2d"}, {"inputs", {"conv2"}}, {"kernel_size", 4}}),
          "/layers/3/inputs/0", "pool"),
      model_from_json);
  CHECK(std::get<MaxPool2d>(pooled.layers[2].operation).stride == 4);
}

TEST_CASE("a model with a cycle is refused with the cycle's path", "[planner]") {
  CHECK(refused(with(sound(), "/layers/0/inputs/0", "conv2")) ==
        "/layers: expected an acyclic graph, found the cycle conv1 -> conv2 -> conv1");
  CHECK(refused(with(sound(), "/layers/3/inputs/0", "flatten")) ==
        "/layers: expected an acyclic graph, found the cycle flatten -> flatten");
  CHECK(refused(with(with(sound(), "/layers/0",
                          {{"id", "conv1"}, {"kind", "relu"}, {"inputs", {"flatten"}}}),
                     "/layers/1", {{"id", "conv2"}, {"kind", "relu"}, {"inputs", {"rgb"}}})) ==
        "/layers: expected an acyclic graph, found the cycle conv1 -> add -> flatten -> conv1");
}

TEST_CASE("a model with a missing input is refused with the nearest name", "[planner]") {
  CHECK(refused(with(sound(), "/layers/2/inputs/1", "conv9")) ==
        "/layers/2/inputs/1: expected a layer or model input, found \"conv9\", did you mean "
        "\"conv1\"?");
  CHECK(refused(with(sound(), "/layers/2/inputs/1", "elsewhere")) ==
        "/layers/2/inputs/1: expected a layer or model input, found \"elsewhere\"");
  CHECK(refused(with(sound(), "/layers/3/inputs", json::array())) ==
        "/layers/3/inputs: expected at least 1 input, found none");
  CHECK(refused(with(sound(), "/output", "liner")) ==
        "/output: expected a layer, found \"liner\", did you mean \"linear\"?");
}

TEST_CASE("names used twice are refused with both places", "[planner]") {
  CHECK(refused(with(sound(), "/layers/1/id", "conv1")) ==
        "/layers/1/id: expected a name used once, found \"conv1\" again (first at /layers/0/id)");
  CHECK(refused(with(sound(), "/layers/2/id", "rgb")) ==
        "/layers/2/id: expected a name used once, found \"rgb\" again (first at /inputs/0/name)");
  CHECK(refused(with(sound(), "/layers/2/id", "")) == "/layers/2/id: expected a name, found \"\"");
}

TEST_CASE("shapes that do not fit are refused with both", "[planner]") {
  CHECK(refused(with(sound(), "/layers/1/out_channels", 5)) ==
        "/layers/2/inputs/1: expected the shape of (4, 8, 8) of \"conv1\", found (5, 8, 8) of "
        "\"conv2\"");
  CHECK(
      refused(with(with(sound(), "/layers/2/kind", "concat"), "/layers/1/padding", 0)) ==
      "/layers/2/inputs/1: expected a shape that differs from (4, 8, 8) of \"conv1\" in its first "
      "extent only, found (4, 6, 6) of \"conv2\"");
  CHECK(
      refused(with(sound(), "/layers/4/inputs/0", "add")) ==
      "/layers/4/inputs/0: expected features (F), found (4, 8, 8) of \"add\"; put a flatten layer "
      "between");
  CHECK(refused(with(sound(), "/inputs/0/shape", {192})) ==
        "/layers/0/inputs/0: expected an image (C, H, W), found (192) of \"rgb\"");
  CHECK(refused(with(sound(), "/layers/2/inputs", {"conv1"})) ==
        "/layers/2/inputs: expected at least 2 inputs, found 1");
  CHECK(refused(with(sound(), "/layers/3/inputs", {"add", "conv1"})) ==
        "/layers/3/inputs: expected 1 input, found 2");
}

TEST_CASE("windows that do not fit their image are refused", "[planner]") {
  CHECK(refused(with(sound(), "/layers/1/kernel_size", 11)) ==
        "/layers/1/kernel_size: expected at most the padded input's 10 x 10, found 11");
  CHECK(refused(with(sound(), "/layers/1/groups", 3)) ==
        "/layers/1/groups: expected a divisor of 4 input channels and 4 output channels, found 3");
  CHECK(refused(with_conv2({{"id", "conv2"},
                            {"kind", "max_pool2d"},
                            {"inputs", {"conv1"}},
                            {"kernel_size", 3},
                            {"padding", 2}})) ==
        "/layers/1/padding: expected at most half of kernel_size 3, found 2");
}

TEST_CASE("absurd numbers in a model are refused", "[planner]") {
  CHECK(refused(with(sound(), "/layers/0/out_channels", 0)) ==
        "/layers/0/out_channels: expected an integer from 1 to 16777216, found 0");
  CHECK(refused(with(sound(), "/layers/0/stride", -1)) ==
        "/layers/0/stride: expected an integer from 1 to 16777216, found -1");
  CHECK(refused(with(sound(), "/layers/0/kernel_size", 2.5)) ==
        "/layers/0/kernel_size: expected an integer from 1 to 16777216, found 2.5");
  CHECK(refused(with(sound(), "/layers/0/padding", "same")) ==
        "/layers/0/padding: expected an integer from 0 to 16777216, found \"same\"");
  CHECK(refused(with(sound(), "/batch_norm_group_samples", 0)) ==
        "/batch_norm_group_samples: expected an integer from 1 to 16777216, found 0");
  CHECK(refused(with_conv2(
            {{"id", "conv2"}, {"kind", "dropout"}, {"inputs", {"conv1"}}, {"p", 1.5}})) ==
        "/layers/1/p: expected a number from 0 to 1, found 1.5");
  CHECK(refused(with_conv2(
            {{"id", "conv2"}, {"kind", "batch_norm2d"}, {"inputs", {"conv1"}}, {"eps", 0}})) ==
        "/layers/1/eps: expected a number > 0, found 0");
}

TEST_CASE("tensors too large for any host are refused before their size overflows", "[planner]") {
  CHECK(refused(with(sound(), "/inputs/0/shape", {3, 16777216, 16777216})) ==
        "/inputs/0/shape: expected a tensor of at most 2^40 elements, found (3, 16777216, "
        "16777216)");
  CHECK(refused(with(with(sound(), "/inputs/0/shape", {16, 16384, 16384}), "/layers/0/out_channels",
                     65536)) ==
        "/layers/0: expected a tensor of at most 2^40 elements, found (65536, 16384, 16384)");
  CHECK(refused(with(with(sound(), "/inputs/0/shape", {16, 1024, 1024}), "/layers/4/out_features",
                     16777216)) ==
        "/layers/4: expected a weight of at most 2^40 elements, found (16777216, 4194304)");
}

TEST_CASE("batch norm over a single value is refused", "[planner]") {
  const json document = with(with(sound(), "/inputs/0/shape", {3, 1, 1}), "/layers/1",
                             {{"id", "conv2"}, {"kind", "batch_norm2d"}, {"inputs", {"conv1"}}});
  CHECK(refused(document) ==
        "/layers/1: expected more than one value per channel to normalise, found one sample of 1 x "
        "1; give batch_norm_group_samples of at least 2");
  CHECK(refused(with(document, "/batch_norm_group_samples", 2)) == "accepted");
}

TEST_CASE("layers and inputs that lead nowhere are refused", "[planner]") {
  CHECK(refused(with(sound(), "/layers/5",
                     {{"id", "spare"}, {"kind", "relu"}, {"inputs", {"conv1"}}})) ==
        "/layers/5: expected a layer that leads to the output \"linear\", found no reader of "
        "\"spare\"");
  CHECK(refused(with(sound(), "/inputs/1", {{"name", "lidar"}, {"shape", {1, 8, 8}}})) ==
        "/inputs/1: expected an input that a layer reads, found no reader of \"lidar\"");
  CHECK(refused(with(with(sound(), "/inputs/0/shape", {3, 8, 6}), "/output", "add")) ==
        "/output: expected a layer that gives class scores (num_classes), or those of a square of "
        "pixels (num_classes, P, P), found (4, 8, 6) of \"add\"");
}

TEST_CASE("an unknown key or kind in a model is refused", "[planner]") {
  CHECK(refused(with(sound(), "/layers/0/stridee", 1)) ==
        "/layers/0/stridee: expected no such key, did you mean \"stride\"?");
  CHECK(refused(with(sound(), "/layers/3/kernel_size", 1)) ==
        "/layers/3/kernel_size: expected no such key");
  CHECK(
      refused(with(sound(), "/layers/3/kind", "reshape")) ==
      "/layers/3/kind: expected one of conv2d, batch_norm2d, relu, max_pool2d, "
      "adaptive_avg_pool2d, center_crop2d, flatten, linear, dropout, concat, add, profiled or torch_script, found \"reshape\"");
  CHECK(refused(without(sound(), "/layers/0/kernel_size")) ==
        "/layers/0: expected the key \"kernel_size\", found none");
}

TEST_CASE("a model of more layers than can be planned is refused", "[planner]") {
  CHECK(refused(with(sound(), "/layers", json(200'001, json::object()))) ==
        "/layers: expected at most 200000 layers, found 200001");
}

TEST_CASE("a model's inputs are images or features", "[planner]") {
  CHECK(refused(with(sound(), "/inputs/0/shape", {8, 8})) ==
        "/inputs/0/shape: expected an image's [channels, height, width] or [features], found an "
        "array of 2");
  CHECK(refused(with(sound(), "/inputs", json::array())) ==
        "/inputs: expected an array of at least 1, found an array of 0");
}
