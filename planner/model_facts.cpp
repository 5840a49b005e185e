#include "planner/model_facts.h"

#include <algorithm>

#include "planner/program.h"

namespace cadastre {

namespace {

void sort_unique(std::vector<int>& numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

}  // namespace

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
