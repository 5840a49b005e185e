#include "executor/parts_of_network.h"

#include <cmath>
#include <numeric>
#include <utility>

#include "executor/timed_update.h"
#include "executor/timing.h"

namespace cadastre {

namespace {

/// Layers of a network that take training steps of their own.
class TrainedPart {
 public:
  /// `layer_outputs`: [layer] what those in front of it made; `update`: of the network's weights.
  TrainedPart(StageNetwork& network, const std::vector<at::Tensor>& model_inputs,
              const std::vector<at::Tensor>& layer_outputs, const ForwardContext& context,
              const PartTrial& trial, std::function<void()> update)
      : network_(network), context_(context), trial_(trial), update_(std::move(update)) {
    for (const Source& source : network.inputs())
      inputs_.push_back((source.is_model_input
                             ? model_inputs
                             : layer_outputs)[static_cast<std::size_t>(source.index)]);
  }

  /// Of a forward pass.
  [[nodiscard]] std::vector<at::Tensor> outputs() {
    return network_.forward(fresh_inputs(), context_);
  }

  /// A step, after another of one micro-batch, which leaves things as a step finds them.
  [[nodiscard]] PartSeconds step() {
    PartSeconds untimed;
    micro_batch(untimed);
    update_();
    PartSeconds seconds;
    for (std::int64_t i = 0; i < trial_.num_micro_batches; ++i) micro_batch(seconds);
    seconds.update_s = seconds_of(update_);
    return seconds;
  }

 private:
  /// As they come from the scene, or from other ranks.
  [[nodiscard]] std::vector<at::Tensor> fresh_inputs() const {
    std::vector<at::Tensor> fresh;
    for (const at::Tensor& input : inputs_)
      fresh.push_back(input.detach().clone().requires_grad_(input.requires_grad()));
    return fresh;
  }

  void micro_batch(PartSeconds& seconds) {
    const std::vector<at::Tensor> inputs = fresh_inputs();
    std::vector<at::Tensor> outputs;
    seconds.forward_s += seconds_of([&] { outputs = network_.forward(inputs, context_); });
    std::vector<at::Tensor> gradients;
    for (const at::Tensor& output : outputs)
      gradients.push_back(at::full_like(output.detach(), kGradient));
    seconds.backward_s += seconds_of([&] {
      network_.backward(outputs, gradients);
      outputs.clear();
    });
  }

  static constexpr double kGradient = 1e-3;

  StageNetwork& network_;
  ForwardContext context_;
  PartTrial trial_;
  std::function<void()> update_;
  std::vector<at::Tensor> inputs_;  ///< with whether they want a gradient
};

/// One half, with all that a rank would hold of it.
struct Half {
  Half(const ModelGraph& model, std::size_t first, std::size_t end, std::uint64_t seed)
      : network(model, layers_of(first, end), seed), weights(network) {}

  static std::vector<int> layers_of(std::size_t first, std::size_t end) {
    std::vector<int> layers(end - first);
    std::iota(layers.begin(), layers.end(), static_cast<int>(first));
    return layers;
  }

  void update() {
    weights.by_adamw();
    weights.average();
  }

  StageNetwork network;
  TimedUpdate weights;
};

double bytes_of(const LayerProfile& layer, std::int64_t samples) {
  return static_cast<double>(layer.parameter_bytes + samples * layer.saved_bytes_per_sample);
}

/// What a half has of what its layers share.
struct HalfSums {
  double bytes = 0;
  LayerCost passes;
  double parameter_bytes = 0;
};

HalfSums sums_of(const std::vector<LayerProfile>& layers, std::size_t first, std::size_t end,
                 std::int64_t samples) {
  HalfSums sums;
  for (std::size_t i = first; i < end; ++i) {
    const LayerCost cost = layer_cost(layers[i], samples);
    sums.bytes += bytes_of(layers[i], samples);
    sums.passes.forward_s += cost.forward_s;
    sums.passes.backward_s += cost.backward_s;
    sums.parameter_bytes += static_cast<double>(layers[i].parameter_bytes);
  }
  return sums;
}

/// What the half, of the two, has of what the whole took.
PartOfNetwork part_of(const PartSeconds& whole, const HalfSums& half, const HalfSums& other,
                      const PartSeconds& alone) {
  const auto part = [](double of_half, double of_other) {
    return of_half + of_other > 0 ? of_half / (of_half + of_other) : 0;
  };
  return {
      .share = part(half.bytes, other.bytes),
      .within = {.forward_s = whole.forward_s * part(half.passes.forward_s, other.passes.forward_s),
                 .backward_s =
                     whole.backward_s * part(half.passes.backward_s, other.passes.backward_s),
                 .update_s = whole.update_s * part(half.parameter_bytes, other.parameter_bytes)},
      .alone = alone};
}

}  // namespace

std::size_t half_of_layers(const std::vector<LayerProfile>& layers, std::int64_t samples) {
  double all = 0;
  for (const LayerProfile& layer : layers) all += bytes_of(layer, samples);
  std::size_t best = 1;
  double nearest = all;
  double bytes = 0;
  for (std::size_t i = 1; i < layers.size(); ++i) {
    bytes += bytes_of(layers[i - 1], samples);
    const double off = std::abs(2 * bytes - all);
    if (off >= nearest) continue;
    nearest = off;
    best = i;
  }
  return best;
}

std::vector<std::vector<PartOfNetwork>> time_parts(const ModelGraph& model, StageNetwork& whole,
                                                   const std::function<void()>& update,
                                                   const std::vector<at::Tensor>& model_inputs,
                                                   const ForwardContext& context,
                                                   const std::vector<LayerProfile>& layers,
                                                   const PartTrial& trial) {
  const std::size_t num_layers = model.layers.size();
  if (num_layers < 2) return {};
  const std::size_t middle = half_of_layers(layers, trial.batch_size);
  Half first(model, 0, middle, context.seed);
  Half second(model, middle, num_layers, context.seed);
  std::vector<at::Tensor> layer_outputs(num_layers);
  TrainedPart all(whole, model_inputs, layer_outputs, context, trial, update);
  TrainedPart front(first.network, model_inputs, layer_outputs, context, trial,
                    [&] { first.update(); });
  const std::vector<at::Tensor> made = front.outputs();
  for (std::size_t i = 0; i < made.size(); ++i)
    layer_outputs[static_cast<std::size_t>(first.network.outputs()[i])] =
        made[i].detach().requires_grad_(made[i].requires_grad());
  TrainedPart back(second.network, model_inputs, layer_outputs, context, trial,
                   [&] { second.update(); });
  const HalfSums of_front = sums_of(layers, 0, middle, trial.batch_size);
  const HalfSums of_back = sums_of(layers, middle, num_layers, trial.batch_size);
  std::vector<std::vector<PartOfNetwork>> times;
  // In turn, as a machine may be quicker for a second than for the next.
  for (int repeat = 0; repeat <= trial.repeats; ++repeat) {
    const PartSeconds whole_s = all.step();
    const PartSeconds front_s = front.step();
    const PartSeconds back_s = back.step();
    if (repeat == 0) continue;
    times.push_back({part_of(whole_s, of_front, of_back, front_s),
                     part_of(whole_s, of_back, of_front, back_s)});
  }
  return times;
}

}  // namespace cadastre
