#include "executor/torchscript/tried_layers.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <variant>

#include "executor/torchscript/saved_memory.h"

namespace cadastre {

namespace {

/// `run(layer, what it reads)` for each, and what the model gives.
at::Tensor run_layers(
    const ModelGraph& model, const std::vector<at::Tensor>& inputs,
    const std::function<at::Tensor(std::size_t, const std::vector<at::Tensor>&)>& run) {
  std::map<std::string, at::Tensor> values;
  for (std::size_t i = 0; i < inputs.size(); ++i) values[model.inputs[i].name] = inputs[i];
  std::map<std::string, std::size_t> num_reads;
  for (const Layer& layer : model.layers)
    for (const std::string& name : layer.inputs) ++num_reads[name];
  ++num_reads[model.output];
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    std::vector<at::Tensor> read;
    for (const std::string& name : model.layers[i].inputs) read.push_back(values.at(name));
    values[model.layers[i].id] = run(i, read);
    for (const std::string& name : model.layers[i].inputs)
      if (--num_reads[name] == 0) values.erase(name);
  }
  return values.at(model.output);
}

}  // namespace

std::vector<at::Tensor> samples_of(const ModelGraph& model, std::int64_t num_samples) {
  std::vector<at::Tensor> inputs;
  std::uint64_t seed = 77;
  for (const ModelInput& input : model.inputs) {
    Shape shape{num_samples};
    shape.insert(shape.end(), input.shape.begin(), input.shape.end());
    at::Generator generator = at::detail::createCPUGenerator(seed++);
    inputs.push_back(at::empty(shape, at::kFloat).normal_(0, 1, generator));
  }
  return inputs;
}

TriedLayers::TriedLayers(const ModelGraph& model, const Weights& weights) : model_(model) {
  for (const Layer& layer : model.layers) {
    const auto& script = std::get<TorchScript>(layer.operation);
    functions_.emplace_back(script);
    ScriptTensors tensors;
    for (const TensorSlot& slot : script.parameters)
      tensors.parameters.push_back(weights.at(slot.name).detach().requires_grad_());
    for (const TensorSlot& slot : script.buffers) tensors.buffers.push_back(weights.at(slot.name));
    for (const RunningStatistics& norm : script.batch_norms)
      tensors.sums.push_back(at::zeros(
          {2 * num_elements(script.buffers[static_cast<std::size_t>(norm.mean)].shape) + 1},
          at::kDouble));
    tensors_.push_back(std::move(tensors));
  }
}

at::Tensor TriedLayers::evaluate(const std::vector<at::Tensor>& inputs) const {
  const at::NoGradGuard no_grad;
  LayerContext context;
  context.mode = ForwardMode::kEvaluation;
  return run_layers(model_, inputs, [&](std::size_t layer, const std::vector<at::Tensor>& read) {
    return functions_[layer](read, tensors_[layer], context);
  });
}

void TriedLayers::measure(ModelGraph& model) const {
  constexpr std::int64_t kNumSamples = 2;
  LayerContext context;
  context.batch_norm_group_samples = model.batch_norm_group_samples;
  static_cast<void>(run_layers(model_, samples_of(model, kNumSamples),
                               [&](std::size_t layer, const std::vector<at::Tensor>& read) {
                                 at::Tensor output;
                                 const SavedMemory saved =
                                     saved_memory(read, [&](const std::vector<at::Tensor>& leaves) {
                                       output = functions_[layer](leaves, tensors_[layer], context);
                                       return output;
                                     });
                                 auto& script =
                                     std::get<TorchScript>(model.layers[layer].operation);
                                 script.saved_bytes_per_sample = saved.bytes / kNumSamples;
                                 script.kept_inputs = saved.kept_inputs;
                                 script.keeps_output = saved.keeps_output;
                                 script.is_view = saved.is_view;
                                 return output.detach();
                               }));
}

}  // namespace cadastre
