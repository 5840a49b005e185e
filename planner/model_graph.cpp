#include "planner/model_graph.h"

#include <algorithm>
#include <cassert>
#include <unordered_map>

namespace cadastre {

std::int64_t num_elements(const Shape& shape) {
  std::int64_t product = 1;
  for (const std::int64_t extent : shape) product *= extent;
  return product;
}

const std::vector<std::string>& kind_names() {
  static const std::vector<std::string> names = {
      "conv2d",        "batch_norm2d", "relu",   "max_pool2d", "adaptive_avg_pool2d",
      "center_crop2d", "flatten",      "linear", "dropout",    "concat",
      "add",           "profiled",     "torch_script"};
  assert(names.size() == std::variant_size_v<Operation>);
  return names;
}

std::string kind_name(const Operation& operation) { return kind_names()[operation.index()]; }

int layer_index(const ModelGraph& model, const std::string& id) {
  const auto found = std::find_if(model.layers.begin(), model.layers.end(),
                                  [&](const Layer& layer) { return layer.id == id; });
  return found == model.layers.end() ? -1 : static_cast<int>(found - model.layers.begin());
}

std::vector<std::vector<Source>> layer_sources(const ModelGraph& model) {
  std::unordered_map<std::string, Source> by_name;
  for (std::size_t i = 0; i < model.inputs.size(); ++i)
    by_name[model.inputs[i].name] = {.is_model_input = true, .index = static_cast<int>(i)};
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    by_name[model.layers[i].id] = {.is_model_input = false, .index = static_cast<int>(i)};

  std::vector<std::vector<Source>> sources(model.layers.size());
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    for (const std::string& input : model.layers[i].inputs) sources[i].push_back(by_name.at(input));
  return sources;
}

std::vector<std::vector<int>> layer_consumers(const ModelGraph& model) {
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  std::vector<std::vector<int>> consumers(model.layers.size());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    for (const Source& source : sources[i]) {
      if (source.is_model_input) continue;
      std::vector<int>& readers = consumers[static_cast<std::size_t>(source.index)];
      // A layer that reads the same tensor twice is one consumer.
      if (readers.empty() || readers.back() != static_cast<int>(i))
        readers.push_back(static_cast<int>(i));
    }
  }
  return consumers;
}

namespace {

/// Of a layer whose first input has this shape.
std::int64_t parameter_bytes(const Layer& layer, const Shape& input) {
  std::int64_t count = 0;
  if (const auto* conv = std::get_if<Conv2d>(&layer.operation)) {
    count = conv->out_channels * (input[0] / conv->groups) * conv->kernel_size * conv->kernel_size +
            (conv->bias ? conv->out_channels : 0);
  } else if (std::holds_alternative<BatchNorm2d>(layer.operation)) {
    count = 2 * input[0];  // weight and bias; the running statistics are not trained
  } else if (const auto* linear = std::get_if<Linear>(&layer.operation)) {
    count = linear->out_features * input[0] + (linear->bias ? linear->out_features : 0);
  } else if (const auto* profiled = std::get_if<Profiled>(&layer.operation)) {
    count = profiled->parameter_elements;
  } else if (const auto* script = std::get_if<TorchScript>(&layer.operation)) {
    for (const TensorSlot& slot : script->parameters) count += num_elements(slot.shape);
  }
  return count * kBytesPerElement;
}

/// The shape that a layer's first input has.
const Shape& first_input_shape(const ModelGraph& model, const Layer& layer) {
  const std::string& name = layer.inputs.front();
  const int index = layer_index(model, name);
  if (index >= 0) return model.layers[static_cast<std::size_t>(index)].output_shape;
  return std::find_if(model.inputs.begin(), model.inputs.end(),
                      [&](const ModelInput& input) { return input.name == name; })
      ->shape;
}

}  // namespace

std::int64_t parameter_bytes(const ModelGraph& model, const Layer& layer) {
  return parameter_bytes(layer, first_input_shape(model, layer));
}

std::vector<std::int64_t> parameter_bytes(const ModelGraph& model) {
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  std::vector<std::int64_t> bytes;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const Source& first = sources[i].front();
    const auto index = static_cast<std::size_t>(first.index);
    bytes.push_back(parameter_bytes(model.layers[i], first.is_model_input
                                                         ? model.inputs[index].shape
                                                         : model.layers[index].output_shape));
  }
  return bytes;
}

const Shape& score_shape(const ModelGraph& model) {
  return model.layers.at(static_cast<std::size_t>(layer_index(model, model.output))).output_shape;
}

std::int64_t num_classes(const ModelGraph& model) { return score_shape(model).front(); }

bool is_dense(const ModelGraph& model) { return score_shape(model).size() == 3; }

bool has_batch_norm(const ModelGraph& model) {
  return std::any_of(model.layers.begin(), model.layers.end(), [](const Layer& layer) {
    if (const auto* script = std::get_if<TorchScript>(&layer.operation))
      return !script->batch_norms.empty();
    return std::holds_alternative<BatchNorm2d>(layer.operation);
  });
}

bool is_imported(const ModelGraph& model) {
  return std::any_of(model.layers.begin(), model.layers.end(), [](const Layer& layer) {
    return std::holds_alternative<TorchScript>(layer.operation);
  });
}

}  // namespace cadastre
