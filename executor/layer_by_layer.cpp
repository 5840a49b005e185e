#include "executor/layer_by_layer.h"

#include "executor/timing.h"

namespace cadastre {

LayerByLayer::LayerByLayer(const ModelGraph& model, std::uint64_t seed)
    : output_(static_cast<std::size_t>(layer_index(model, model.output))) {
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    stages_.emplace_back(model, std::vector<int>{static_cast<int>(i)}, seed);
}

std::vector<LayerCost> LayerByLayer::pass(const std::vector<at::Tensor>& model_inputs,
                                          const at::Tensor& output_gradient,
                                          const ForwardContext& context) {
  const std::size_t num_layers = stages_.size();
  std::vector<LayerCost> costs(num_layers);
  std::vector<std::vector<at::Tensor>> inputs(num_layers);
  std::vector<std::vector<at::Tensor>> outputs(num_layers);
  for (std::size_t i = 0; i < num_layers; ++i) {
    for (const Source& source : stages_[i].inputs()) {
      const auto index = static_cast<std::size_t>(source.index);
      if (source.is_model_input) {
        inputs[i].push_back(model_inputs[index]);
      } else {
        const at::Tensor& made = outputs[index].front();
        inputs[i].push_back(made.detach().requires_grad_(made.requires_grad()));
      }
    }
    costs[i].forward_s = seconds_of([&] { outputs[i] = stages_[i].forward(inputs[i], context); });
  }

  std::vector<at::Tensor> gradients(num_layers);
  gradients[output_] = output_gradient;
  for (std::size_t i = num_layers; i-- > 0;) {
    costs[i].backward_s = seconds_of([&] {
      stages_[i].backward(outputs[i], {gradients[i]});
      outputs[i].clear();
    });
    gradients[i].reset();
    for (std::size_t k = 0; k < inputs[i].size(); ++k) {
      const Source& source = stages_[i].inputs()[k];
      const at::Tensor& gradient = inputs[i][k].grad();
      if (source.is_model_input || !gradient.defined()) continue;
      at::Tensor& sum = gradients[static_cast<std::size_t>(source.index)];
      sum = sum.defined() ? sum + gradient : gradient;
    }
    inputs[i].clear();
  }
  return costs;
}

}  // namespace cadastre
