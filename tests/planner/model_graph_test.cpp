#include "planner/model_graph.h"

#include "tests/support/catch.h"
#include "tests/support/documents.h"
#include "tests/support/worlds.h"

using namespace cadastre;

namespace {

Layer layer(std::string id, Operation operation, std::vector<std::string> inputs) {
  return {
      .id = std::move(id), .operation = operation, .inputs = std::move(inputs), .output_shape = {}};
}

/// Every layer kind once, on an image of 3 x 9 x 9.
ModelGraph every_kind() {
  return worlds::checked(
      {.name = "every-kind",
       .inputs = {{.name = "image", .shape = {3, 9, 9}}},
       .layers =
           {layer(
                "conv",
                Conv2d{.out_channels = 6, .kernel_size = 3, .stride = 2, .padding = 1, .groups = 3},
                {"image"}),
            layer("norm", BatchNorm2d{}, {"conv"}), layer("relu", Relu{}, {"norm"}),
            layer("add", Add{}, {"relu", "conv"}),
            layer("concat", Concat{}, {"add", "relu", "conv"}),
            layer("dilated",
                  Conv2d{.out_channels = 18, .kernel_size = 3, .padding = 2, .dilation = 2},
                  {"concat"}),
            layer("crop", CenterCrop2d{.size = 4}, {"dilated"}),
            layer("max", MaxPool2d{.kernel_size = 2, .stride = 2}, {"crop"}),
            layer("average", AdaptiveAvgPool2d{.output_size = 1}, {"max"}),
            layer("flatten", Flatten{}, {"average"}),
            layer("dropout", Dropout{.p = 0.1}, {"flatten"}),
            layer("linear", Linear{.out_features = 5}, {"dropout"})},
       .output = "linear",
       .batch_norm_group_samples = 2});
}

const Layer& named(const ModelGraph& model, const std::string& id) {
  return model.layers.at(static_cast<std::size_t>(layer_index(model, id)));
}

std::vector<std::string> ids(const ModelGraph& model) {
  std::vector<std::string> names;
  for (const Layer& each : model.layers) names.push_back(each.id);
  return names;
}

}  // namespace

TEST_CASE("every layer kind gives the shape that PyTorch gives", "[planner]") {
  const ModelGraph model = every_kind();
  CHECK(named(model, "conv").output_shape == Shape{6, 5, 5});  // (9 + 2 - 3) / 2 + 1 = 5
  CHECK(named(model, "norm").output_shape == Shape{6, 5, 5});
  CHECK(named(model, "add").output_shape == Shape{6, 5, 5});
  CHECK(named(model, "concat").output_shape == Shape{18, 5, 5});  // 6 + 6 + 6 channels
  CHECK(named(model, "dilated").output_shape == Shape{18, 5, 5});  // 5 + 4 - (2 (3 - 1) + 1) + 1
  CHECK(named(model, "crop").output_shape == Shape{18, 4, 4});
  CHECK(named(model, "max").output_shape == Shape{18, 2, 2});  // (4 - 2) / 2 + 1 = 2
  CHECK(named(model, "average").output_shape == Shape{18, 1, 1});
  CHECK(named(model, "flatten").output_shape == Shape{18});
  CHECK(named(model, "linear").output_shape == Shape{5});
}

TEST_CASE("parameter bytes count weights and biases as float32", "[planner]") {
  const ModelGraph model = every_kind();
  // 6 filters of 3 / 3 channels x 3 x 3, and 6 biases: 60 numbers.
  CHECK(parameter_bytes(model, named(model, "conv")) == 240);
  CHECK(parameter_bytes(model, named(model, "norm")) == 48);     // 6 weights, 6 biases
  CHECK(parameter_bytes(model, named(model, "linear")) == 380);  // 18 x 5 + 5
  CHECK(parameter_bytes(model, named(model, "max")) == 0);
}

TEST_CASE("an order that is topological already is kept", "[planner]") {
  CHECK(ids(every_kind()) == std::vector<std::string>{"conv", "norm", "relu", "add", "concat",
                                                      "dilated", "crop", "max", "average", "flatten", "dropout",
                                                      "linear"});
}

TEST_CASE("layers in another order are sorted so that each comes after what it reads",
          "[planner]") {
  ModelGraph model = every_kind();
  std::reverse(model.layers.begin(), model.layers.end());
  model = worlds::checked(std::move(model));
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  for (std::size_t i = 0; i < sources.size(); ++i)
    for (const Source& source : sources[i])
      if (!source.is_model_input) CHECK(source.index < static_cast<int>(i));
  CHECK(named(model, "linear").output_shape == Shape{5});
}

TEST_CASE("sources and consumers are two views of the same edges", "[planner]") {
  const ModelGraph model = worlds::two_branch_model();  // a0 a1 b0 b1 join head
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  CHECK(sources[2] == std::vector<Source>{{.is_model_input = true, .index = 1}});
  CHECK(sources[4] == std::vector<Source>{{.is_model_input = false, .index = 1},
                                          {.is_model_input = false, .index = 3}});
  CHECK(layer_consumers(model) == std::vector<std::vector<int>>{{1}, {4}, {3}, {4}, {5}, {}});
}

TEST_CASE("a layer that reads a tensor twice consumes it once", "[planner]") {
  const ModelGraph model = worlds::checked(
      {.name = "twice",
       .inputs = {{.name = "x", .shape = {4}}},
       .layers = {layer("relu", Relu{}, {"x"}), layer("double", Add{}, {"relu", "relu"})},
       .output = "double"});
  CHECK(layer_consumers(model) == std::vector<std::vector<int>>{{1}, {}});
}

TEST_CASE("batch norm is found where it is", "[planner]") {
  CHECK(has_batch_norm(every_kind()));
  CHECK_FALSE(has_batch_norm(worlds::two_branch_model()));
}

TEST_CASE("a model of any kind of layer goes to JSON and back unchanged", "[planner]") {
  const ModelGraph model = every_kind();
  CHECK(documents::reread(to_json(model), model_from_json) == model);
}

TEST_CASE("a plan is refused for another model", "[planner]") {
  const ModelGraph model = every_kind();
  const auto refusal = [&](const ModelGraph& given) {
    return documents::refusal([&] { check_same_model(model, given, "model.json"); });
  };
  CHECK(refusal(model) == "accepted");
  CHECK(refusal(worlds::two_branch_model()) ==
        "model.json: expected the model that the plan was made for (every-kind, 12 layers), found "
        "two-branch (6 layers)");

  ModelGraph other = model;
  other.layers[0].operation = Conv2d{
      .out_channels = 6, .kernel_size = 3, .stride = 2, .padding = 1, .groups = 3, .bias = false};
  CHECK(refusal(other) ==
        "model.json: expected the model that the plan was made for (every-kind), found another "
        "layer 0: \"conv\"");

  other = model;
  other.batch_norm_group_samples = 4;
  CHECK(refusal(other) ==
        "model.json: expected the model that the plan was made for (every-kind), found other "
        "inputs, another output or batch_norm_group_samples");
}
