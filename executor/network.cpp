#include "executor/network.h"

#include <torch/torch.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

#include "executor/batch_norm.h"
#include "executor/initialization.h"
#include "executor/random.h"
#include "executor/torchscript/layer_function.h"

namespace cadastre {

namespace {

bool overwritable_by_relu(const Operation& operation) {
  // Their backward does not look at their output, and it is no view of something else.
  return std::holds_alternative<Conv2d>(operation) ||
         std::holds_alternative<BatchNorm2d>(operation) ||
         std::holds_alternative<Linear>(operation);
}

}  // namespace

StageNetwork::StageNetwork(const ModelGraph& model, std::vector<int> layers, std::uint64_t seed)
    : batch_norm_group_samples_(model.batch_norm_group_samples) {
  find_inputs_and_outputs(model, layers);
  find_last_reads();
  make_tensors(model, seed);
}

void StageNetwork::find_inputs_and_outputs(const ModelGraph& model,
                                           const std::vector<int>& layers) {
  const std::set<int> members(layers.begin(), layers.end());
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  const std::vector<std::vector<int>> consumers = layer_consumers(model);
  const auto before = [](const Source& a, const Source& b) {
    return std::pair(!a.is_model_input, a.index) < std::pair(!b.is_model_input, b.index);
  };

  std::set<Source, decltype(before)> inputs(before);
  for (const int layer : members)
    for (const Source& source : sources.at(static_cast<std::size_t>(layer)))
      if (source.is_model_input || members.count(source.index) == 0) inputs.insert(source);
  inputs_.assign(inputs.begin(), inputs.end());

  const auto position = [&](const Source& source) {
    const auto input = std::find(inputs_.begin(), inputs_.end(), source);
    if (input != inputs_.end()) return static_cast<int>(input - inputs_.begin());
    const auto member = std::distance(members.begin(), members.find(source.index));
    return static_cast<int>(inputs_.size()) + static_cast<int>(member);
  };
  const int output = layer_index(model, model.output);
  for (const int layer : members) {
    const auto index = static_cast<std::size_t>(layer);
    StageLayer stage_layer;
    stage_layer.index = layer;
    stage_layer.operation = model.layers[index].operation;
    stage_layer.name_hash = mix(0, model.layers[index].id);
    for (const Source& source : sources[index]) stage_layer.reads.push_back(position(source));
    const bool read_outside =
        std::any_of(consumers[index].begin(), consumers[index].end(),
                    [&](int consumer) { return members.count(consumer) == 0; });
    if (read_outside || layer == output) {
      outputs_.push_back(layer);
      output_positions_.push_back(inputs_.size() + layers_.size());
    }
    if (std::holds_alternative<Relu>(stage_layer.operation)) {
      const Source& source = sources[index].front();
      if (!source.is_model_input && members.count(source.index) != 0) {
        const auto producer = static_cast<std::size_t>(source.index);
        stage_layer.may_overwrite_input = consumers[producer].size() == 1 &&
                                          source.index != output &&
                                          overwritable_by_relu(model.layers[producer].operation);
      }
    }
    layers_.push_back(std::move(stage_layer));
  }
}

void StageNetwork::find_last_reads() {
  // Outputs of the stage and inputs, which are the caller's, count as read to the end.
  std::set<std::size_t> seen(output_positions_.begin(), output_positions_.end());
  for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer)
    for (const int read : layer->reads) {
      const auto position = static_cast<std::size_t>(read);
      if (position >= inputs_.size() && seen.insert(position).second)
        layer->last_reads.push_back(position);
    }
}

void StageNetwork::make_tensors(const ModelGraph& model, std::uint64_t seed) {
  // Two passes: all initial values first, then one flat tensor of which the parameters are views.
  struct Initial {
    std::string name;
    at::Tensor values;
    at::Tensor* place;
  };

  std::vector<Initial> initials;
  std::vector<Initial> statistics;
  std::int64_t num_parameters = 0;
  std::int64_t num_statistics = 0;
  for (StageLayer& layer : layers_) {
    const Layer& described = model.layers[static_cast<std::size_t>(layer.index)];
    const std::size_t first = initials.size();
    if (const auto* script = std::get_if<TorchScript>(&layer.operation)) {
      layer.tensors.function = std::make_shared<const LayerFunction>(*script);
      InitialSlots slots = initial_slots(*script, seed);
      ScriptTensors& tensors = layer.tensors.script;
      tensors.parameters.resize(slots.parameters.size());
      tensors.buffers.resize(slots.buffers.size());
      tensors.sums.resize(script->batch_norms.size());
      for (std::size_t i = 0; i < slots.parameters.size(); ++i)
        initials.push_back(
            {script->parameters[i].name, slots.parameters[i], &tensors.parameters[i]});
      for (std::size_t i = 0; i < slots.buffers.size(); ++i)
        statistics.push_back({script->buffers[i].name, slots.buffers[i], &tensors.buffers[i]});
    } else {
      const std::string& id = described.id;
      const InitialParameters initial =
          initial_parameters(model, static_cast<std::size_t>(layer.index), mix(seed, id));
      if (initial.weight.defined())
        initials.push_back({id + ".weight", initial.weight, &layer.tensors.weight});
      if (initial.bias.defined())
        initials.push_back({id + ".bias", initial.bias, &layer.tensors.bias});
      if (std::holds_alternative<BatchNorm2d>(layer.operation)) {
        const at::Tensor zeros = at::zeros_like(initial.bias);
        statistics.push_back({id + ".running_mean", zeros, &layer.tensors.running_mean});
        statistics.push_back({id + ".running_var", at::ones_like(zeros),
                              &layer.tensors.running_variance});
      }
    }
    layer.first_parameter = num_parameters;
    for (std::size_t i = first; i < initials.size(); ++i)
      layer.num_parameters += initials[i].values.numel();
    num_parameters += layer.num_parameters;
  }
  for (const Initial& initial : statistics) num_statistics += initial.values.numel();

  flat_state_ = at::zeros({num_parameters + num_statistics}, at::kFloat);
  flat_parameters_ = flat_state_.narrow(0, 0, num_parameters);
  gradients_ = at::zeros({num_parameters}, at::kFloat);
  std::int64_t begin = 0;
  for (const Initial& initial : initials) {
    const std::int64_t size = initial.values.numel();
    at::Tensor parameter =
        flat_parameters_.narrow(0, begin, size).view(initial.values.sizes()).detach();
    parameter.copy_(initial.values);
    parameter.requires_grad_();
    // A gradient that is already there is added to in place, so it stays part of `gradients_`.
    parameter.mutable_grad() = gradients_.narrow(0, begin, size).view(initial.values.sizes());
    *initial.place = parameter;
    parameters_.push_back({initial.name, parameter});
    begin += size;
  }
  for (const Initial& initial : statistics) {
    const std::int64_t size = initial.values.numel();
    *initial.place = flat_state_.narrow(0, begin, size).view(initial.values.sizes());
    initial.place->copy_(initial.values);
    buffers_.push_back({initial.name, *initial.place});
    begin += size;
  }
  make_pending();
}

void StageNetwork::make_pending() {
  std::int64_t num_pending = 0;
  for_each_norm([&](const at::Tensor& mean, at::Tensor&, at::Tensor&, double) {
    num_pending += 2 * mean.numel() + 1;
  });
  pending_ = at::zeros({num_pending}, at::kDouble);
  std::int64_t begin = 0;
  for_each_norm([&](const at::Tensor& mean, at::Tensor&, at::Tensor& pending, double) {
    const std::int64_t size = 2 * mean.numel() + 1;
    pending = pending_.narrow(0, begin, size);
    begin += size;
  });
}

template <typename Visit>
void StageNetwork::for_each_norm(const Visit& visit) {
  for (StageLayer& layer : layers_) {
    LayerTensors& tensors = layer.tensors;
    if (const auto* norm = std::get_if<BatchNorm2d>(&layer.operation))
      visit(tensors.running_mean, tensors.running_variance, tensors.pending, norm->momentum);
    if (const auto* script = std::get_if<TorchScript>(&layer.operation))
      for (std::size_t i = 0; i < script->batch_norms.size(); ++i) {
        const RunningStatistics& norm = script->batch_norms[i];
        visit(tensors.script.buffers[static_cast<std::size_t>(norm.mean)],
              tensors.script.buffers[static_cast<std::size_t>(norm.variance)],
              tensors.script.sums[i], norm.momentum);
      }
  }
}

std::vector<at::Tensor> StageNetwork::layer_parameters(int layer) const {
  std::vector<at::Tensor> parameters;
  for (const StageLayer& member : layers_) {
    if (member.index != layer) continue;
    for (const at::Tensor& parameter : {member.tensors.weight, member.tensors.bias})
      if (parameter.defined()) parameters.push_back(parameter);
    const std::vector<at::Tensor>& imported = member.tensors.script.parameters;
    parameters.insert(parameters.end(), imported.begin(), imported.end());
  }
  return parameters;
}

at::Tensor StageNetwork::gradients_of(const std::vector<int>& layers) const {
  std::int64_t begin = gradients_.numel();
  std::int64_t size = 0;
  for (const StageLayer& member : layers_) {
    if (std::find(layers.begin(), layers.end(), member.index) == layers.end()) continue;
    begin = std::min(begin, member.first_parameter);
    size += member.num_parameters;
  }
  return gradients_.narrow(0, begin, size);
}

std::vector<at::Tensor> StageNetwork::forward(const std::vector<at::Tensor>& inputs,
                                              const ForwardContext& context) {
  if (inputs.size() != inputs_.size())
    throw std::invalid_argument("forward: expected " + std::to_string(inputs_.size()) +
                                " inputs, found " + std::to_string(inputs.size()));
  std::vector<at::Tensor> values = inputs;
  values.reserve(inputs.size() + layers_.size());
  std::vector<at::Tensor> arguments;
  for (const StageLayer& layer : layers_) {
    arguments.clear();
    for (const int position : layer.reads)
      arguments.push_back(values[static_cast<std::size_t>(position)]);
    LayerContext layer_context;
    layer_context.mode = context.mode;
    layer_context.batch_norm_group_samples = batch_norm_group_samples_;
    layer_context.dropout = {.seed = context.seed,
                             .step = context.step,
                             .layer = layer.name_hash,
                             .first_sample = context.samples.begin};
    layer_context.may_overwrite_input = layer.may_overwrite_input;
    values.push_back(layer_forward(layer.operation, layer.tensors, arguments, layer_context));
    for (const std::size_t position : layer.last_reads) values[position].reset();
  }
  std::vector<at::Tensor> outputs;
  outputs.reserve(output_positions_.size());
  for (const std::size_t position : output_positions_) outputs.push_back(values[position]);
  return outputs;
}

void StageNetwork::backward(const std::vector<at::Tensor>& outputs,
                            const std::vector<at::Tensor>& output_gradients) {
  // Outputs on which no parameter and no input with a gradient depends have nothing to tell.
  std::vector<at::Tensor> roots;
  std::vector<at::Tensor> gradients;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].requires_grad() || !output_gradients.at(i).defined()) continue;
    roots.push_back(outputs[i]);
    gradients.push_back(output_gradients[i]);
  }
  if (!roots.empty()) torch::autograd::backward(roots, gradients);
}

void StageNetwork::update_running_statistics(std::optional<double> momentum) {
  for_each_norm([&](at::Tensor& mean, at::Tensor& variance, at::Tensor& pending, double own) {
    cadastre::update_running_statistics(mean, variance, pending, momentum.value_or(own));
  });
}

StageNetwork whole_network(const ModelGraph& model, std::uint64_t seed) {
  std::vector<int> layers;
  for (std::size_t i = 0; i < model.layers.size(); ++i) layers.push_back(static_cast<int>(i));
  return StageNetwork(model, std::move(layers), seed);
}

at::Tensor cross_entropy_sum(const at::Tensor& scores, const at::Tensor& class_indices) {
  return at::cross_entropy_loss(scores, class_indices, /*weight=*/{}, at::Reduction::Sum);
}

}  // namespace cadastre
