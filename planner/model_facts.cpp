#include "planner/model_facts.h"

#include <algorithm>
#include <variant>

namespace cadastre {

namespace {

void sort_unique(std::vector<int>& numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

}  // namespace

std::int64_t statistics_bytes(const Layer& layer, std::int64_t parameter_bytes) {
  constexpr std::int64_t kBytesPerSum = 8;
  if (const auto* script = std::get_if<TorchScript>(&layer.operation)) {
    std::int64_t num_sums = 0;
    for (const RunningStatistics& norm : script->batch_norms)
      num_sums +=
          2 * num_elements(script->buffers.at(static_cast<std::size_t>(norm.mean)).shape) + 1;
    return num_sums * kBytesPerSum;
  }
  if (!std::holds_alternative<BatchNorm2d>(layer.operation)) return 0;
  // Weight and bias hold 2C float32; the sums of means and variances and their count 2C + 1
  // float64.
  const std::int64_t num_sums = parameter_bytes / kBytesPerElement + 1;
  return num_sums * kBytesPerSum;
}

std::int64_t running_statistics_bytes(const Layer& layer, std::int64_t parameter_bytes) {
  if (const auto* script = std::get_if<TorchScript>(&layer.operation)) {
    std::int64_t num_values = 0;
    for (const TensorSlot& buffer : script->buffers) num_values += num_elements(buffer.shape);
    return num_values * kBytesPerElement;
  }
  // As many means and variances as there are weights and biases.
  return std::holds_alternative<BatchNorm2d>(layer.operation) ? parameter_bytes : 0;
}

std::vector<bool> layers_with_gradient(const ModelGraph& model) {
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  const std::vector<std::int64_t> bytes = parameter_bytes(model);
  std::vector<bool> needed(model.layers.size());
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    needed[i] = bytes[i] > 0;
    for (const Source& source : sources[i])
      if (!source.is_model_input && needed[static_cast<std::size_t>(source.index)])
        needed[i] = true;
  }
  return needed;
}

ModelFacts model_facts(const ModelGraph& model) {
  ModelFacts facts;
  const std::size_t num_layers = model.layers.size();
  facts.reads.resize(num_layers);
  facts.read_by.resize(num_layers);
  facts.inputs.resize(num_layers);
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  facts.parameter_bytes = parameter_bytes(model);
  for (std::size_t i = 0; i < num_layers; ++i) {
    for (const Source& source : sources[i])
      (source.is_model_input ? facts.inputs : facts.reads)[i].push_back(source.index);
    sort_unique(facts.reads[i]);
    sort_unique(facts.inputs[i]);
    for (const int read : facts.reads[i])
      facts.read_by[static_cast<std::size_t>(read)].push_back(static_cast<int>(i));
    const Layer& layer = model.layers[i];
    facts.activation_bytes.push_back(num_elements(layer.output_shape) * kBytesPerElement);
    facts.statistics_bytes.push_back(statistics_bytes(layer, facts.parameter_bytes[i]));
    facts.running_statistics_bytes.push_back(
        running_statistics_bytes(layer, facts.parameter_bytes[i]));
  }
  for (const bool needed : layers_with_gradient(model)) facts.has_gradient.push_back(needed);
  for (const ModelInput& input : model.inputs)
    facts.input_bytes.push_back(num_elements(input.shape) * kBytesPerElement);
  facts.output = layer_index(model, model.output);
  facts.granularity = model.batch_norm_group_samples;
  return facts;
}

}  // namespace cadastre
