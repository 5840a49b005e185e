// Hidden from ordinary runs: `executor_tests "[!benchmark]"` prints the times.

#include <torch/torch.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "executor/network.h"
#include "executor/process_setup.h"
#include "executor/rank_interpreter.h"
#include "executor/timing.h"
#include "planner/lowering.h"
#include "planner/sample_split.h"
#include "tests/executor/small_networks.h"
#include "tests/support/catch.h"
#include "tests/support/directories.h"
#include "tests/support/worlds.h"

using namespace cadastre;

namespace {

/// The same network as people write it with torch::nn: modules, ordinary batch norm over the whole
/// batch, ReLU in place.
class PlainNetwork {
 public:
  explicit PlainNetwork(const ModelGraph& model) : sources_(layer_sources(model)) {
    for (std::size_t i = 0; i < model.layers.size(); ++i) {
      const Source& source = sources_[i].front();
      const auto index = static_cast<std::size_t>(source.index);
      const Shape& input =
          source.is_model_input ? model.inputs[index].shape : model.layers[index].output_shape;
      modules_.push_back(module(model.layers[i].operation, input.front()));
      if (!modules_.back().is_empty())
        for (const at::Tensor& parameter : modules_.back().ptr()->parameters())
          parameters_.push_back(parameter);
    }
  }

  at::Tensor forward(const std::vector<at::Tensor>& inputs) {
    std::vector<at::Tensor> values;
    for (std::size_t i = 0; i < modules_.size(); ++i) {
      std::vector<at::Tensor> arguments;
      for (const Source& source : sources_[i]) {
        const auto index = static_cast<std::size_t>(source.index);
        arguments.push_back(source.is_model_input ? inputs[index] : values[index]);
      }
      values.push_back(modules_[i].is_empty() ? torch::cat(arguments, 1)
                                              : modules_[i].forward(arguments.front()));
    }
    return values.back();
  }

  [[nodiscard]] const std::vector<at::Tensor>& parameters() const { return parameters_; }

  void zero_gradients() {
    for (at::Tensor& parameter : parameters_)
      if (parameter.grad().defined()) parameter.mutable_grad().zero_();
  }

 private:
  static torch::nn::AnyModule module(const Operation& operation, std::int64_t channels) {
    using torch::nn::AnyModule;
    if (const auto* conv = std::get_if<Conv2d>(&operation))
      return AnyModule(torch::nn::Conv2d(
          torch::nn::Conv2dOptions(channels, conv->out_channels, conv->kernel_size)
              .stride(conv->stride)
              .padding(conv->padding)
              .groups(conv->groups)
              .dilation(conv->dilation)
              .bias(conv->bias)));
    if (std::holds_alternative<BatchNorm2d>(operation))
      return AnyModule(torch::nn::BatchNorm2d(channels));
    if (std::holds_alternative<Relu>(operation))
      return AnyModule(torch::nn::ReLU(torch::nn::ReLUOptions().inplace(true)));
    if (const auto* pool = std::get_if<MaxPool2d>(&operation))
      return AnyModule(torch::nn::MaxPool2d(torch::nn::MaxPool2dOptions(pool->kernel_size)
                                                .stride(pool->stride)
                                                .padding(pool->padding)));
    if (const auto* pool = std::get_if<AdaptiveAvgPool2d>(&operation))
      return AnyModule(torch::nn::AdaptiveAvgPool2d(pool->output_size));
    if (std::holds_alternative<Flatten>(operation)) return AnyModule(torch::nn::Flatten());
    if (const auto* linear = std::get_if<Linear>(&operation))
      return AnyModule(torch::nn::Linear(channels, linear->out_features));
    return {};  // concat
  }

  std::vector<std::vector<Source>> sources_;
  std::vector<torch::nn::AnyModule> modules_;
  std::vector<at::Tensor> parameters_;
};

}  // namespace

TEST_CASE("a step of the multi-modal network beside plain torch::nn", "[.][!benchmark]") {
  constexpr std::int64_t kBatchSize = 64;
  constexpr int kRepeats = 40;
  const ModelGraph model = read_model(source_directory() / "scenarios/models/multimodal-cnn.json");
  const std::vector<at::Tensor> inputs = small::random_inputs(model, kBatchSize);
  const at::Tensor classes = torch::arange(kBatchSize).remainder(8);
  StageNetwork ours = whole_network(model, 1);
  PlainNetwork plain(model);
  const auto step_ours = [&] {
    ours.zero_gradients();
    const std::vector<at::Tensor> outputs =
        ours.forward(inputs, {.samples = {.begin = 0, .end = kBatchSize}});
    cross_entropy_sum(outputs.front(), classes).backward();
  };
  const auto step_plain = [&] {
    plain.zero_gradients();
    cross_entropy_sum(plain.forward(inputs), classes).backward();
  };
  const auto compare = [&](const char* name) {
    std::vector<double> ours_s;
    std::vector<double> plain_s;
    for (int i = 0; i < kRepeats; ++i) {  // in turn, so that both see the same machine
      ours_s.push_back(seconds_of(step_ours));
      plain_s.push_back(seconds_of(step_plain));
    }
    const double ours_median_s = summarize(ours_s).median_s;
    const double plain_median_s = summarize(plain_s).median_s;
    std::printf("%-28s ours %7.2f ms, plain torch::nn %7.2f ms, ratio %.3f\n", name,
                1e3 * ours_median_s, 1e3 * plain_median_s, ours_median_s / plain_median_s);
  };
  at::set_num_threads(1);
  compare("1 thread, as LibTorch starts");
  prepare_process(1);
  compare("1 thread, prepared");
  prepare_process(2);
  compare("2 threads, prepared");
}

TEST_CASE("a training step on one host beside a plain loop", "[.][!benchmark]") {
  constexpr std::int64_t kBatchSize = 64;
  constexpr int kRepeats = 60;
  const UpdateSettings sgd{.learning_rate = 1e-3, .momentum = 0.9, .weight_decay = 1e-4};
  const ModelGraph model = read_model(source_directory() / "scenarios/models/multimodal-cnn.json");
  const std::vector<at::Tensor> inputs = small::random_inputs(model, kBatchSize);
  const at::Tensor classes = torch::arange(kBatchSize).remainder(8);
  Plan plan{.batch_size = kBatchSize};
  plan.stages.emplace_back();
  plan.stages.back().replicas.push_back({.host = "node1"});
  for (const Layer& layer : model.layers) plan.stages.back().layers.push_back(layer.id);
  const Program program = lower(plan, model, worlds::hosts({1}));
  prepare_process(1);
  RankInterpreter interpreter(program, 0, model, plan, 1, nullptr);
  PlainNetwork plain(model);
  torch::optim::SGD optimizer(plain.parameters(), torch::optim::SGDOptions(sgd.learning_rate)
                                                      .momentum(sgd.momentum)
                                                      .weight_decay(sgd.weight_decay));
  std::int64_t step = 0;
  double loss_sum = 0;
  const auto step_ours = [&] {
    const StepResult result = interpreter.run_step(
        {.step = step++, .update = sgd, .load = [&](int /*stage*/, SampleRange /*samples*/) {
           return LoadedSamples{.inputs = inputs, .class_indices = classes};
         }});
    loss_sum += result.loss_sum;
  };
  const auto step_plain = [&] {
    optimizer.zero_grad();
    const at::Tensor loss = torch::nn::functional::cross_entropy(plain.forward(inputs), classes);
    loss.backward();
    optimizer.step();
    loss_sum += loss.item<double>();
  };
  std::vector<double> ours_s;
  std::vector<double> plain_s;
  for (int i = 0; i < kRepeats; ++i) {  // in turn, so that both see the same machine
    ours_s.push_back(seconds_of(step_ours));
    plain_s.push_back(seconds_of(step_plain));
  }
  const TimingSummary ours = summarize(ours_s);
  const TimingSummary plain_summary = summarize(plain_s);
  std::printf("a step on one host: ours %.2f ms, a plain loop %.2f ms, ratio %.3f\n",
              1e3 * ours.median_s, 1e3 * plain_summary.median_s,
              ours.median_s / plain_summary.median_s);
  CHECK(std::isfinite(loss_sum));
  const InstructionMeter meter;
  constexpr int kReadings = 10'000;
  MeterReading last;
  const double readings_s = seconds_of([&] {
    for (int i = 0; i < kReadings; ++i) last = meter.read();
  });
  std::printf("a reading of time, CPU time and memory (%lld bytes): %.2f us\n",
              static_cast<long long>(last.resident_bytes), 1e6 * readings_s / kReadings);
}
