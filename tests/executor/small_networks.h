#pragma once

// Small models for tests of the executor.

#include <torch/torch.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "executor/network.h"
#include "planner/json_reader.h"
#include "planner/model_graph.h"

namespace cadastre::small {

inline constexpr std::int64_t kGroup = 4;
inline constexpr std::int64_t kNumClasses = 5;

/// `model` in topological order with its shapes.
[[nodiscard]] inline ModelGraph checked(ModelGraph model) {
  const std::string file = "small network";
  const nlohmann::json document = to_json(model);
  check_model(model, JsonPlace(document, file, ""));
  return model;
}

[[nodiscard]] inline Layer layer(std::string id, Operation operation,
                                 std::vector<std::string> inputs) {
  return {
      .id = std::move(id), .operation = operation, .inputs = std::move(inputs), .output_shape = {}};
}

/// Every layer kind once or more: a convolutional branch with a skip connection, a plain one,
/// joined and classified. Inputs a (3, 8, 8) and b (2, 4, 4); batch norm over groups of 4.
[[nodiscard]] inline ModelGraph every_kind() {
  return checked(
      {.name = "every-kind",
       .inputs = {{.name = "a", .shape = {3, 8, 8}}, {.name = "b", .shape = {2, 4, 4}}},
       .layers =
           {layer("a.conv1", Conv2d{.out_channels = 6, .kernel_size = 3, .padding = 1}, {"a"}),
            layer("a.norm1", BatchNorm2d{}, {"a.conv1"}), layer("a.relu1", Relu{}, {"a.norm1"}),
            layer("a.conv2", Conv2d{.out_channels = 6, .kernel_size = 3, .padding = 1, .groups = 2},
                  {"a.relu1"}),
            layer("a.sum", Add{}, {"a.relu1", "a.conv2"}), layer("a.pool", MaxPool2d{}, {"a.sum"}),
            layer("a.flatten", Flatten{}, {"a.pool"}),
            layer("b.conv", Conv2d{.out_channels = 4, .kernel_size = 1, .bias = false}, {"b"}),
            layer("b.norm", BatchNorm2d{}, {"b.conv"}), layer("b.relu", Relu{}, {"b.norm"}),
            layer("b.average", AdaptiveAvgPool2d{.output_size = 2}, {"b.relu"}),
            layer("b.flatten", Flatten{}, {"b.average"}),
            layer("join", Concat{}, {"a.flatten", "b.flatten"}),
            layer("drop", Dropout{.p = 0.25}, {"join"}),
            layer("head", Linear{.out_features = kNumClasses}, {"drop"})},
       .output = "head",
       .batch_norm_group_samples = kGroup});
}

/// One layer between inputs of these shapes and a head that makes it a model: read layer 0 only.
[[nodiscard]] inline ModelGraph single_layer(const Operation& operation,
                                             const std::vector<Shape>& input_shapes) {
  ModelGraph model;
  model.name = "single";
  std::vector<std::string> names;
  for (std::size_t i = 0; i < input_shapes.size(); ++i) {
    names.push_back("x" + std::to_string(i));
    model.inputs.push_back({.name = names.back(), .shape = input_shapes[i]});
  }
  model.layers = {layer("layer", operation, names), layer("flatten", Flatten{}, {"layer"}),
                  layer("head", Linear{.out_features = kNumClasses}, {"flatten"})};
  model.output = "head";
  model.batch_norm_group_samples = 8;
  return checked(std::move(model));
}

[[nodiscard]] inline std::vector<at::Tensor> random_inputs(const ModelGraph& model,
                                                           std::int64_t batch_size) {
  torch::manual_seed(7);
  std::vector<at::Tensor> inputs;
  for (const ModelInput& input : model.inputs) {
    std::vector<std::int64_t> shape{batch_size};
    shape.insert(shape.end(), input.shape.begin(), input.shape.end());
    inputs.push_back(torch::randn(shape));
  }
  return inputs;
}

/// ‖a - b‖ / ‖b‖, 0 for two zeros.
[[nodiscard]] inline double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  const double difference = (a - b).norm().item<double>();
  return difference == 0 ? 0 : difference / b.norm().item<double>();
}

}  // namespace cadastre::small
