#include "executor/stage_part.h"

#include <torch/torch.h>

#include <algorithm>
#include <utility>

#include "planner/model_facts.h"

namespace cadastre {

namespace {

template <typename Item>
std::size_t position_of(const std::vector<Item>& items, const Item& item) {
  return static_cast<std::size_t>(std::find(items.begin(), items.end(), item) - items.begin());
}

}  // namespace

StagePart::StagePart(const ModelGraph& model, std::vector<int> layers, std::uint64_t seed,
                     std::int64_t batch_size, Kept kept)
    : kept_(kept),
      batch_size_(batch_size),
      seed_(seed),
      network_(model, std::move(layers), seed),
      optimizer_(network_),
      has_gradient_(layers_with_gradient(model)) {
  const std::size_t scores = position_of(network_.outputs(), layer_index(model, model.output));
  if (scores < network_.outputs().size()) loss_output_ = static_cast<int>(scores);
}

void StagePart::load(int micro_batch, LoadedSamples loaded) {
  micro_batches_[micro_batch].loaded = std::move(loaded);
}

void StagePart::forward(int micro_batch, std::int64_t step, SampleRange samples,
                        const std::function<at::Tensor(int)>& activation) {
  MicroBatch& now = micro_batches_[micro_batch];
  now.step = step;
  now.samples = samples;
  now.inputs.clear();
  for (const Source& source : network_.inputs()) {
    if (source.is_model_input) {
      now.inputs.push_back(now.loaded.inputs[static_cast<std::size_t>(source.index)]);
      continue;
    }
    at::Tensor input = activation(source.index);
    if (has_gradient_[static_cast<std::size_t>(source.index)]) input.requires_grad_(true);
    now.inputs.push_back(std::move(input));
  }
  {
    const at::AutoGradMode with_graph(kept_ == Kept::kActivations);
    now.outputs = run_network(now, ForwardMode::kTraining);
  }
  if (loss_output_ >= 0) compute_loss(now);
}

void StagePart::recompute(int micro_batch) {
  MicroBatch& now = micro_batches_.at(micro_batch);
  now.outputs = run_network(now, ForwardMode::kRecomputation);
}

std::vector<at::Tensor> StagePart::run_network(const MicroBatch& micro_batch, ForwardMode mode) {
  return network_.forward(
      micro_batch.inputs,
      {.mode = mode, .seed = seed_, .step = micro_batch.step, .samples = micro_batch.samples});
}

void StagePart::compute_loss(MicroBatch& micro_batch) {
  // A leaf of its own: the gradient of the scores is one of the roots of `backward`.
  at::Tensor scores =
      micro_batch.outputs[static_cast<std::size_t>(loss_output_)].detach().requires_grad_(true);
  const at::Tensor loss = class_loss_sum(scores, micro_batch.loaded.class_indices, loss_);
  torch::autograd::backward({loss / static_cast<double>(batch_size_)}, {});
  micro_batch.loss_gradient = scores.grad();
  loss_sum_ += loss.item<double>();
}

void StagePart::backward(int micro_batch, const std::function<at::Tensor(int)>& output_gradient) {
  MicroBatch& now = micro_batches_.at(micro_batch);
  std::vector<at::Tensor> gradients;
  for (const int layer : network_.outputs()) gradients.push_back(output_gradient(layer));
  if (loss_output_ >= 0) {
    at::Tensor& of_scores = gradients[static_cast<std::size_t>(loss_output_)];
    of_scores = of_scores.defined() ? now.loss_gradient + of_scores : now.loss_gradient;
  }
  network_.backward(now.outputs, gradients);
  now.outputs.clear();
}

at::Tensor StagePart::output(int layer, int micro_batch) const {
  return micro_batches_.at(micro_batch).outputs.at(position_of(network_.outputs(), layer)).detach();
}

at::Tensor StagePart::input_gradient(int layer, int micro_batch) const {
  const std::size_t position =
      position_of(network_.inputs(), Source{.is_model_input = false, .index = layer});
  const at::Tensor& input = micro_batches_.at(micro_batch).inputs.at(position);
  return input.grad().defined() ? input.grad() : at::zeros_like(input);
}

void StagePart::outputs_sent(int micro_batch) {
  if (kept_ == Kept::kInputs) micro_batches_.at(micro_batch).outputs.clear();
}

void StagePart::optimizer_step(const UpdateSettings& settings) {
  network_.update_running_statistics();
  optimizer_.step(settings);
  network_.zero_gradients();
}

void StagePart::settle(std::int64_t num_before) {
  network_.update_running_statistics(1.0 / static_cast<double>(num_before + 1));
  network_.zero_gradients();
}

}  // namespace cadastre
