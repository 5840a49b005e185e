#include "executor/profiler.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/torch.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "executor/after_waiting.h"
#include "executor/backward_in_flight.h"
#include "executor/layer_by_layer.h"
#include "executor/network.h"
#include "executor/parts_of_network.h"
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

/// What a layer took in each step that counted, in all its micro-batches together.
struct LayerSeconds {
  std::vector<double> forward;
  std::vector<double> backward;
};

/// Steps of micro-batches of one size.
struct SizeTrial {
  std::int64_t batch_size = 1;
  std::int64_t num_micro_batches = 1;  ///< of a step
  std::vector<at::Tensor> values;      ///< of one, of all of the model's inputs
  std::vector<LayerSeconds> layers;

  [[nodiscard]] std::int64_t samples_of_round() const {
    return batch_size * (1 + 2 * num_micro_batches);
  }
};

ForwardContext context_of(const ProfileOptions& options, std::int64_t batch_size) {
  return {.seed = options.seed, .samples = {.begin = 0, .end = batch_size}};
}

/// Training steps through the whole network in one go, in turn with passes through its layers.
class TimedNetwork {
 public:
  TimedNetwork(const ModelGraph& model, const ProfileOptions& options, StepTimings& timings)
      : options_(options),
        timings_(timings),
        whole_(whole_network(model, options.seed)),
        layers_(model, options.seed),
        step_(options, whole_, timings) {}

  /// A step of the trial's size, after another of one micro-batch, which leaves things as a step
  /// finds them; then its layers.
  void round(SizeTrial& trial, bool counts) {
    step_.count(false);
    pass(trial);
    step_.update();

    step_.count(counts);
    for (std::int64_t i = 0; i < trial.num_micro_batches; ++i) pass(trial);
    step_.update_by_adamw();
    if (counts) timings_.end_step(trial.batch_size);

    std::vector<LayerCost> sums(trial.layers.size());
    for (std::int64_t i = 0; i < trial.num_micro_batches; ++i) layered_pass(trial, sums);
    for (std::size_t i = 0; counts && i < sums.size(); ++i) {
      trial.layers[i].forward.push_back(sums[i].forward_s);
      trial.layers[i].backward.push_back(sums[i].backward_s);
    }
    step_.update_by_sgd();
  }

  [[nodiscard]] StageNetwork& whole() { return whole_; }

  [[nodiscard]] ProfiledStep& step() { return step_; }

 private:
  void pass(const SizeTrial& trial) {
    model_inputs_ = step_.load(trial.values);
    const std::vector<at::Tensor> inputs = inputs_of(whole_, model_inputs_);
    std::vector<at::Tensor> outputs;
    step_.time(StepPart::kForward,
               [&] { outputs = whole_.forward(inputs, context_of(options_, trial.batch_size)); });
    const at::Tensor scores = outputs.front().detach();
    step_.compute_loss(scores);
    output_gradient_ = at::softmax(scores, 1) / static_cast<double>(trial.batch_size);
    step_.time(StepPart::kBackward, [&] {
      whole_.backward(outputs, {output_gradient_});
      outputs.clear();
    });
  }

  void layered_pass(const SizeTrial& trial, std::vector<LayerCost>& sums) {
    const std::vector<LayerCost> costs =
        layers_.pass(model_inputs_, output_gradient_, context_of(options_, trial.batch_size));
    for (std::size_t i = 0; i < sums.size(); ++i) {
      sums[i].forward_s += costs[i].forward_s;
      sums[i].backward_s += costs[i].backward_s;
    }
  }

  const ProfileOptions& options_;
  StepTimings& timings_;
  StageNetwork whole_;
  LayerByLayer layers_;
  ProfiledStep step_;
  std::vector<at::Tensor> model_inputs_;  ///< of the last pass
  at::Tensor output_gradient_;            ///< likewise
};

double sum(const std::vector<Measurement>& layers, double Measurement::*seconds) {
  double total_s = 0;
  for (const Measurement& layer : layers) total_s += layer.*seconds;
  return total_s;
}

double ratio(double whole_s, double parts_s) { return parts_s > 0 ? whole_s / parts_s : 1; }

/// The whole network's time at a trial's size, and by layer what its passes one by one took.
struct TimedLayers {
  WholeNetworkTime whole;
  std::vector<Measurement> layers;  ///< their sum is the whole's
};

TimedLayers timed_layers(const SizeTrial& trial, const StepTimings& timings) {
  const std::int64_t size = trial.batch_size;
  const auto count = static_cast<double>(trial.num_micro_batches);
  TimedLayers timed{.whole = {.batch_size = size,
                              .forward_s = timings.of_micro_batch_s(size, StepPart::kForward),
                              .backward_s = timings.of_micro_batch_s(size, StepPart::kBackward)},
                    .layers = {}};
  for (const LayerSeconds& layer : trial.layers)
    timed.layers.push_back({.batch_size = size,
                            .forward_s = timings.quantile_s(layer.forward) / count,
                            .forward_spread_s = summarize(layer.forward).spread_s / count,
                            .backward_s = timings.quantile_s(layer.backward) / count,
                            .backward_spread_s = summarize(layer.backward).spread_s / count});
  WholeNetworkTime& whole = timed.whole;
  whole.forward_ratio = ratio(whole.forward_s, sum(timed.layers, &Measurement::forward_s));
  whole.backward_ratio = ratio(whole.backward_s, sum(timed.layers, &Measurement::backward_s));
  for (Measurement& layer : timed.layers) {
    layer.forward_s *= whole.forward_ratio;
    layer.forward_spread_s *= whole.forward_ratio;
    layer.backward_s *= whole.backward_ratio;
    layer.backward_spread_s *= whole.backward_ratio;
  }
  return timed;
}

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

  StepTimings timings(batch_sizes.back(), options.quantile);
  TimedNetwork network(model, options, timings);
  std::vector<SizeTrial> trials;
  for (const std::int64_t size : batch_sizes)
    trials.push_back({.batch_size = size,
                      .num_micro_batches = timings.num_micro_batches(size),
                      .values = random_inputs(model, size, options.seed),
                      .layers = std::vector<LayerSeconds>(model.layers.size())});
  // Work in units of samples passed through the network.
  const int num_rounds = options.warm_up + options.repeats;
  std::int64_t total = 0;
  for (const SizeTrial& trial : trials) total += num_rounds * trial.samples_of_round();
  const std::vector<InFlightTrial> in_flight =
      in_flight_trials(batch_sizes, (options.repeats + 2) / 3);
  for (const InFlightTrial& trial : in_flight) total += trial.num_samples();
  const WaitTrial waits{.batch_size = batch_sizes[(batch_sizes.size() - 1) / 2],
                        .repeats = options.repeats};
  total += waits.num_samples();
  const PartTrial parts{.batch_size = waits.batch_size,
                        .num_micro_batches = timings.num_micro_batches(waits.batch_size),
                        .repeats = 2 * options.repeats};
  if (options.parts) total += parts.num_samples();
  std::int64_t done = 0;
  const auto add_done = [&](std::int64_t samples) {
    done += samples;
    if (options.progress) options.progress(done, total);
  };
  // In turn, as a machine may be quicker for a second than for the next.
  for (int round = 0; round < num_rounds; ++round)
    for (SizeTrial& trial : trials) {
      network.round(trial, round >= options.warm_up);
      add_done(trial.samples_of_round());
    }
  for (const SizeTrial& trial : trials) {
    const TimedLayers timed = timed_layers(trial, timings);
    result.whole.push_back(timed.whole);
    for (std::size_t i = 0; i < model.layers.size(); ++i)
      profile.layers[i].measurements.push_back(timed.layers[i]);
  }
  const std::int64_t saved_bytes = std::accumulate(saved.begin(), saved.end(), std::int64_t{0});
  std::vector<BackwardBeside> beside;
  const auto network_inputs = [&](std::int64_t batch_size) {
    return inputs_of(network.whole(), random_inputs(model, batch_size, options.seed));
  };
  for (const InFlightTrial& trial : in_flight) {
    beside.push_back(time_in_flight(network.whole(), network_inputs(trial.batch_size),
                                    context_of(options, trial.batch_size), trial, saved_bytes));
    add_done(trial.num_samples());
  }
  profile.caches = fit_cache_effect(beside);
  profile.waits = fit_wait_effect(time_after_waiting(
      network.whole(), network_inputs(waits.batch_size), context_of(options, waits.batch_size),
      [&] { network.step().update(); }, waits));
  add_done(waits.num_samples());
  if (options.parts) {
    profile.parts = fit_part_effect(time_parts(
        model, network.whole(), [&] { network.step().update(); },
        random_inputs(model, parts.batch_size, options.seed), context_of(options, parts.batch_size),
        profile.layers, parts));
    add_done(parts.num_samples());
  }
  network.step().write(profile);
  profile.step_spread = timings.step_spread();
  for (LayerProfile& layer : profile.layers)
    layer.fit_error = leave_one_out_error(layer.measurements);
  return result;
}

}  // namespace cadastre
