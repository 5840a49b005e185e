#include "executor/profiler.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/torch.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "executor/after_waiting.h"
#include "executor/backward_in_flight.h"
#include "executor/network.h"
#include "executor/process_setup.h"
#include "executor/profiled_step.h"
#include "executor/random.h"
#include "executor/step_timings.h"
#include "executor/timing.h"
#include "planner/error.h"
#include "planner/saved_bytes.h"

namespace cadastre {

namespace {

std::vector<std::int64_t> checked_batch_sizes(const ModelGraph& model,
                                              std::vector<std::int64_t> sizes) {
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  if (sizes.empty()) throw InputError("", "", "expected at least one batch size, found none");
  const std::int64_t group = model.batch_norm_group_samples;
  for (const std::int64_t size : sizes)
    if (size < 1 || (size > group && size % group != 0))
      throw InputError("", "",
                       "expected batch sizes that are multiples of the model's "
                       "batch_norm_group_samples (" +
                           std::to_string(group) + ") or smaller, found " + std::to_string(size));
  return sizes;
}

/// Values as standardised rasters have them: normal, mean 0, deviation 1.
std::vector<at::Tensor> random_inputs(const ModelGraph& model, std::int64_t batch_size,
                                      std::uint64_t seed) {
  std::vector<at::Tensor> inputs;
  for (const ModelInput& input : model.inputs) {
    std::vector<std::int64_t> shape{batch_size};
    shape.insert(shape.end(), input.shape.begin(), input.shape.end());
    at::Generator generator = at::detail::createCPUGenerator(mix(seed, input.name));
    inputs.push_back(at::empty(shape, at::kFloat).normal_(0, 1, generator));
  }
  return inputs;
}

/// Of the model's, those that the network reads, in its order.
std::vector<at::Tensor> inputs_of(const StageNetwork& network,
                                  const std::vector<at::Tensor>& model_inputs) {
  std::vector<at::Tensor> inputs;
  for (const Source& source : network.inputs())
    inputs.push_back(model_inputs[static_cast<std::size_t>(source.index)]);
  return inputs;
}

ForwardContext context_of(const ProfileOptions& options, std::int64_t batch_size) {
  return {.seed = options.seed, .samples = {.begin = 0, .end = batch_size}};
}

/// The seconds of each layer in each pass that counts.
struct LayerSeconds {
  std::vector<double> forward;
  std::vector<double> backward;
};

/// One network per layer, run one after the other as if they were one.
class LayerByLayer {
 public:
  LayerByLayer(const ModelGraph& model, std::uint64_t seed)
      : output_(static_cast<std::size_t>(layer_index(model, model.output))) {
    for (std::size_t i = 0; i < model.layers.size(); ++i)
      stages_.emplace_back(model, std::vector<int>{static_cast<int>(i)}, seed);
  }

  /// One pass forward and backward; appends to `seconds` (one per layer) unless it is null.
  void pass(const std::vector<at::Tensor>& model_inputs, const at::Tensor& output_gradient,
            const ForwardContext& context, std::vector<LayerSeconds>* seconds) {
    const std::size_t num_layers = stages_.size();
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
      const double forward_s =
          seconds_of([&] { outputs[i] = stages_[i].forward(inputs[i], context); });
      if (seconds != nullptr) (*seconds)[i].forward.push_back(forward_s);
    }

    std::vector<at::Tensor> gradients(num_layers);
    gradients[output_] = output_gradient;
    for (std::size_t i = num_layers; i-- > 0;) {
      const double backward_s = seconds_of([&] {
        stages_[i].backward(outputs[i], {gradients[i]});
        outputs[i].clear();
      });
      if (seconds != nullptr) (*seconds)[i].backward.push_back(backward_s);
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
  }

 private:
  std::size_t output_;  // the layer that gives the class scores
  std::vector<StageNetwork> stages_;
};

/// What is taken of one thing's passes, and the spread between their quartiles.
struct Taken {
  double seconds = 0;
  double spread_s = 0;
};

double sum(const std::vector<Taken>& timings) {
  double total_s = 0;
  for (const Taken& timing : timings) total_s += timing.seconds;
  return total_s;
}

double ratio(double whole_s, double parts_s) { return parts_s > 0 ? whole_s / parts_s : 1; }

}  // namespace

ProfileResult profile_model(const ModelGraph& model, const ProfileOptions& options) {
  const std::vector<std::int64_t> batch_sizes = checked_batch_sizes(model, options.batch_sizes);
  prepare_process(options.num_threads);

  ProfileResult result;
  Profile& profile = result.profile;
  profile.device = device_name();
  profile.num_threads = options.num_threads;
  profile.model = model;
  const std::vector<std::int64_t> saved = saved_bytes_per_sample(model);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerProfile layer;
    layer.layer = model.layers[i].id;
    layer.activation_bytes_per_sample =
        kBytesPerElement * num_elements(model.layers[i].output_shape);
    layer.saved_bytes_per_sample = saved[i];
    layer.parameter_bytes = parameter_bytes(model, model.layers[i]);
    profile.layers.push_back(std::move(layer));
  }

  StageNetwork whole = whole_network(model, options.seed);
  LayerByLayer layers(model, options.seed);
  StepTimings timings(batch_sizes.back(), options.quantile);
  ProfiledStep step(options, whole, timings);
  const auto passes_of_repeat = [&](std::int64_t size) { return batch_sizes.back() / size; };
  const auto passes_of = [&](std::int64_t size) {
    return options.warm_up + options.repeats * passes_of_repeat(size);
  };
  // Work in units of samples passed through the network.
  std::int64_t total = 0;
  for (const std::int64_t size : batch_sizes) total += size * passes_of(size);
  const std::vector<InFlightTrial> in_flight =
      in_flight_trials(batch_sizes, (options.repeats + 2) / 3);
  for (const InFlightTrial& trial : in_flight) total += trial.num_samples();
  const WaitTrial waits{.batch_size = batch_sizes[(batch_sizes.size() - 1) / 2],
                        .repeats = options.repeats};
  total += waits.num_samples();
  std::int64_t done = 0;
  const auto add_done = [&](std::int64_t samples) {
    done += samples;
    if (options.progress) options.progress(done, total);
  };
  for (const std::int64_t batch_size : batch_sizes) {
    const std::vector<at::Tensor> values = random_inputs(model, batch_size, options.seed);
    const ForwardContext context = context_of(options, batch_size);
    std::vector<LayerSeconds> layer_seconds(model.layers.size());
    for (std::int64_t pass = 0; pass < passes_of(batch_size); ++pass) {
      const bool counts = pass >= options.warm_up;
      if (counts) step.begin_to_count();
      const std::vector<at::Tensor> model_inputs = step.load(values);
      const std::vector<at::Tensor> stage_inputs = inputs_of(whole, model_inputs);
      std::vector<at::Tensor> outputs;
      const double forward_s = seconds_of([&] { outputs = whole.forward(stage_inputs, context); });
      const at::Tensor scores = outputs.front().detach();
      step.compute_loss(scores);
      const at::Tensor output_gradient = at::softmax(scores, 1) / static_cast<double>(batch_size);
      const double backward_s = seconds_of([&] {
        whole.backward(outputs, {output_gradient});
        outputs.clear();
      });
      step.update_by_adamw();
      if (counts) {
        timings.add(batch_size, StepPart::kForward, forward_s);
        timings.add(batch_size, StepPart::kBackward, backward_s);
      }
      layers.pass(model_inputs, output_gradient, context, counts ? &layer_seconds : nullptr);
      step.update_by_sgd();
      add_done(batch_size);
    }

    const auto taken = [&](const std::vector<double>& seconds) {
      return Taken{.seconds = timings.quantile_s(batch_size, seconds),
                   .spread_s = summarize(means_of(seconds, passes_of_repeat(batch_size))).spread_s};
    };
    std::vector<Taken> forward;
    std::vector<Taken> backward;
    for (const LayerSeconds& seconds : layer_seconds) {
      forward.push_back(taken(seconds.forward));
      backward.push_back(taken(seconds.backward));
    }
    WholeNetworkTime time;
    time.batch_size = batch_size;
    time.forward_s = timings.taken_s(batch_size, StepPart::kForward);
    time.backward_s = timings.taken_s(batch_size, StepPart::kBackward);
    time.forward_ratio = ratio(time.forward_s, sum(forward));
    time.backward_ratio = ratio(time.backward_s, sum(backward));
    result.whole.push_back(time);
    for (std::size_t i = 0; i < model.layers.size(); ++i)
      profile.layers[i].measurements.push_back(
          {.batch_size = batch_size,
           .forward_s = forward[i].seconds * time.forward_ratio,
           .forward_spread_s = forward[i].spread_s * time.forward_ratio,
           .backward_s = backward[i].seconds * time.backward_ratio,
           .backward_spread_s = backward[i].spread_s * time.backward_ratio});
  }
  const std::int64_t saved_bytes = std::accumulate(saved.begin(), saved.end(), std::int64_t{0});
  std::vector<BackwardBeside> beside;
  const auto network_inputs = [&](std::int64_t batch_size) {
    return inputs_of(whole, random_inputs(model, batch_size, options.seed));
  };
  for (const InFlightTrial& trial : in_flight) {
    beside.push_back(time_in_flight(whole, network_inputs(trial.batch_size),
                                    context_of(options, trial.batch_size), trial, saved_bytes));
    add_done(trial.num_samples());
  }
  profile.caches = fit_cache_effect(beside);
  profile.waits = fit_wait_effect(time_after_waiting(
      whole, network_inputs(waits.batch_size), context_of(options, waits.batch_size),
      [&] { step.update(); }, waits));
  add_done(waits.num_samples());
  step.write(profile);
  for (LayerProfile& layer : profile.layers)
    layer.fit_error = leave_one_out_error(layer.measurements);
  return result;
}

}  // namespace cadastre
