#include "executor/initialization.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <string>
#include <variant>

#include "executor/random.h"

namespace cadastre {

namespace {

/// Shape per sample of what the layer's first input gives.
Shape input_shape(const ModelGraph& model, const Layer& layer) {
  for (const ModelInput& input : model.inputs)
    if (input.name == layer.inputs.front()) return input.shape;
  return model.layers.at(static_cast<std::size_t>(layer_index(model, layer.inputs.front())))
      .output_shape;
}

InitialParameters uniform_parameters(const Shape& weight_shape, bool with_bias,
                                     std::uint64_t seed) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  const std::int64_t fan_in = num_elements(weight_shape) / weight_shape.front();
  const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
  InitialParameters parameters;
  parameters.weight = at::empty(weight_shape, at::kFloat).uniform_(-bound, bound, generator);
  if (with_bias)
    parameters.bias =
        at::empty({weight_shape.front()}, at::kFloat).uniform_(-bound, bound, generator);
  return parameters;
}

}  // namespace

InitialParameters initial_parameters(const ModelGraph& model, std::size_t layer,
                                     std::uint64_t seed) {
  const Layer& described = model.layers.at(layer);
  const std::int64_t channels = input_shape(model, described).front();
  if (const auto* conv = std::get_if<Conv2d>(&described.operation))
    return uniform_parameters(
        {conv->out_channels, channels / conv->groups, conv->kernel_size, conv->kernel_size},
        conv->bias, seed);
  if (const auto* linear = std::get_if<Linear>(&described.operation))
    return uniform_parameters({linear->out_features, channels}, linear->bias, seed);
  if (std::holds_alternative<BatchNorm2d>(described.operation))
    return {.weight = at::ones({channels}, at::kFloat), .bias = at::zeros({channels}, at::kFloat)};
  return {};
}

InitialSlots initial_slots(const TorchScript& script, std::uint64_t seed) {
  InitialSlots slots;
  for (const TensorSlot& slot : script.parameters) {
    const std::string suffix = ".weight";
    const bool scales = slot.name.size() > suffix.size() &&
                        slot.name.compare(slot.name.size() - suffix.size(), suffix.size(),
                                          suffix) == 0;
    if (slot.shape.size() > 1)
      slots.parameters.push_back(
          uniform_parameters(slot.shape, false, mix(seed, slot.name)).weight);
    else
      slots.parameters.push_back(scales ? at::ones(slot.shape, at::kFloat)
                                        : at::zeros(slot.shape, at::kFloat));
  }
  for (const TensorSlot& slot : script.buffers)
    slots.buffers.push_back(at::zeros(slot.shape, at::kFloat));
  for (const RunningStatistics& norm : script.batch_norms)
    slots.buffers[static_cast<std::size_t>(norm.variance)].fill_(1);
  return slots;
}

}  // namespace cadastre
