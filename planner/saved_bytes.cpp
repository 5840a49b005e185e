#include "planner/saved_bytes.h"

#include <variant>

namespace cadastre {

namespace {

bool keeps_input(const Operation& operation) {
  // Pooling to one pixel is a mean, whose gradient needs the shape only.
  if (const auto* pool = std::get_if<AdaptiveAvgPool2d>(&operation)) return pool->output_size != 1;
  return std::holds_alternative<Conv2d>(operation) ||
         std::holds_alternative<BatchNorm2d>(operation) ||
         std::holds_alternative<Linear>(operation);
}

bool keeps_output(const Operation& operation) {
  if (const auto* script = std::get_if<TorchScript>(&operation)) return script->keeps_output;
  return std::holds_alternative<Relu>(operation);
}

/// The inputs that the layer keeps, by their places among its inputs.
std::vector<int> kept_inputs(const Operation& operation) {
  if (const auto* script = std::get_if<TorchScript>(&operation)) return script->kept_inputs;
  return keeps_input(operation) ? std::vector<int>{0} : std::vector<int>{};
}

/// What the layer keeps beside its input and output.
std::int64_t own_bytes(const Layer& layer) {
  if (const auto* script = std::get_if<TorchScript>(&layer.operation))
    return script->saved_bytes_per_sample;
  const std::int64_t num_outputs = num_elements(layer.output_shape);
  if (std::holds_alternative<MaxPool2d>(layer.operation)) {
    constexpr std::int64_t kBytesPerIndex = 4;  // as the executor keeps them
    return kBytesPerIndex * num_outputs;
  }
  if (const auto* dropout = std::get_if<Dropout>(&layer.operation))
    return dropout->p > 0 ? kBytesPerElement * num_outputs : 0;
  return 0;
}

bool is_view(const Operation& operation) {
  if (const auto* dropout = std::get_if<Dropout>(&operation)) return dropout->p == 0;
  if (const auto* script = std::get_if<TorchScript>(&operation)) return script->is_view;
  return std::holds_alternative<Flatten>(operation);
}

}  // namespace

std::vector<std::int64_t> saved_bytes_per_sample(const ModelGraph& model) {
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  const std::size_t num_layers = model.layers.size();
  std::vector<Source> owner(num_layers);  // whose memory a layer's output is
  std::vector<bool> layer_kept(num_layers, false);
  std::vector<bool> input_kept(model.inputs.size(), false);
  std::vector<std::int64_t> saved(num_layers, 0);
  const auto owner_of = [&](const Source& source) {
    return source.is_model_input ? source : owner[static_cast<std::size_t>(source.index)];
  };

  for (std::size_t i = 0; i < num_layers; ++i) {
    const Layer& layer = model.layers[i];
    saved[i] += own_bytes(layer);
    owner[i] = is_view(layer.operation) ? owner_of(sources[i].front())
                                        : Source{.index = static_cast<int>(i)};
    if (keeps_output(layer.operation)) layer_kept[i] = true;
    for (const int place : kept_inputs(layer.operation)) {
      const Source kept = owner_of(sources[i].at(static_cast<std::size_t>(place)));
      const auto index = static_cast<std::size_t>(kept.index);
      if (!kept.is_model_input) {
        layer_kept[index] = true;
      } else if (!input_kept[index]) {
        input_kept[index] = true;
        saved[i] += kBytesPerElement * num_elements(model.inputs[index].shape);
      }
    }
  }
  for (std::size_t i = 0; i < num_layers; ++i)
    if (layer_kept[i]) saved[i] += kBytesPerElement * num_elements(model.layers[i].output_shape);
  return saved;
}

}  // namespace cadastre
