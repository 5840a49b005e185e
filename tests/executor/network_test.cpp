#include "executor/network.h"

#include <torch/torch.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "executor/dropout.h"
#include "executor/sgd.h"
#include "planner/sample_split.h"
#include "tests/executor/small_networks.h"
#include "tests/support/catch.h"

using namespace cadastre;

namespace {

constexpr std::uint64_t kSeed = 11;

/// Layer 0 of a single-layer model in training mode, with its parameters.
struct SingleLayer {
  explicit SingleLayer(const Operation& operation, const std::vector<Shape>& shapes)
      : model(small::single_layer(operation, shapes)),
        stage(model, {0}, kSeed),
        inputs(small::random_inputs(model, 8)) {}

  at::Tensor output(ForwardMode mode = ForwardMode::kTraining) {
    return stage.forward(inputs, {.mode = mode, .samples = {.begin = 0, .end = 8}}).front();
  }

  [[nodiscard]] at::Tensor parameter(const std::string& name) const {
    for (const NamedTensor& named : stage.parameters())
      if (named.name == "layer." + name) return named.tensor;
    FAIL("no parameter " << name);
    return {};
  }

  ModelGraph model;
  StageNetwork stage;
  std::vector<at::Tensor> inputs;
};

/// Loss and gradients of one step of `model`, cut into stages and micro-batches.
struct Step {
  double loss = 0;
  std::map<std::string, at::Tensor> gradients;
};

/// Runs the stages in order, so they must be given in topological order.
Step run_step(const ModelGraph& model, const std::vector<std::vector<int>>& divisions,
              const std::vector<SampleRange>& micro_batches) {
  const std::int64_t batch_size = micro_batches.back().end;
  const std::vector<at::Tensor> batch = small::random_inputs(model, batch_size);
  const at::Tensor classes = torch::arange(batch_size).remainder(small::kNumClasses);
  std::vector<StageNetwork> stages;
  for (const std::vector<int>& layers : divisions) stages.emplace_back(model, layers, kSeed);

  Step step;
  for (const SampleRange& samples : micro_batches) {
    const ForwardContext context{.seed = kSeed, .step = 3, .samples = samples};
    std::vector<at::Tensor> made(model.layers.size());
    std::vector<std::vector<at::Tensor>> inputs(stages.size());
    std::vector<std::vector<at::Tensor>> outputs(stages.size());
    for (std::size_t s = 0; s < stages.size(); ++s) {
      for (const Source& source : stages[s].inputs()) {
        const auto index = static_cast<std::size_t>(source.index);
        inputs[s].push_back(source.is_model_input
                                ? batch[index].narrow(0, samples.begin, samples.size())
                                : made[index].detach().clone().requires_grad_());
      }
      outputs[s] = stages[s].forward(inputs[s], context);
      for (std::size_t k = 0; k < outputs[s].size(); ++k)
        made[static_cast<std::size_t>(stages[s].outputs()[k])] = outputs[s][k];
    }

    const auto output = static_cast<std::size_t>(layer_index(model, model.output));
    const at::Tensor scores = made[output].detach().requires_grad_();
    const at::Tensor loss =
        cross_entropy_sum(scores, classes.narrow(0, samples.begin, samples.size()));
    (loss / static_cast<double>(batch_size)).backward();
    step.loss += loss.item<double>() / static_cast<double>(batch_size);

    std::vector<at::Tensor> gradients(model.layers.size());
    gradients[output] = scores.grad();
    for (std::size_t s = stages.size(); s-- > 0;) {
      std::vector<at::Tensor> output_gradients;
      for (const int layer : stages[s].outputs())
        output_gradients.push_back(gradients[static_cast<std::size_t>(layer)]);
      stages[s].backward(outputs[s], output_gradients);
      for (std::size_t k = 0; k < inputs[s].size(); ++k) {
        const Source& source = stages[s].inputs()[k];
        if (source.is_model_input) continue;
        at::Tensor& sum = gradients[static_cast<std::size_t>(source.index)];
        sum = sum.defined() ? sum + inputs[s][k].grad() : inputs[s][k].grad();
      }
    }
  }
  for (const StageNetwork& stage : stages)
    for (const NamedTensor& named : stage.parameters())
      step.gradients[named.name] = named.tensor.grad().clone();
  return step;
}

std::vector<int> all_layers(const ModelGraph& model) {
  std::vector<int> layers;
  for (std::size_t i = 0; i < model.layers.size(); ++i) layers.push_back(static_cast<int>(i));
  return layers;
}

/// Every set of layers that holds the sources of all its layers, but the empty and the whole one.
std::set<std::vector<int>> proper_downsets(const ModelGraph& model) {
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  std::set<std::set<int>> found{{}};
  std::vector<std::set<int>> open{{}};
  while (!open.empty()) {
    const std::set<int> downset = open.back();
    open.pop_back();
    for (const int layer : all_layers(model)) {
      bool ready = downset.count(layer) == 0;
      for (const Source& source : sources[static_cast<std::size_t>(layer)])
        ready = ready && (source.is_model_input || downset.count(source.index) != 0);
      std::set<int> larger = downset;
      larger.insert(layer);
      if (ready && found.insert(larger).second) open.push_back(larger);
    }
  }
  std::set<std::vector<int>> proper;
  for (const std::set<int>& downset : found)
    if (!downset.empty() && downset.size() < model.layers.size())
      proper.insert({downset.begin(), downset.end()});
  return proper;
}

std::vector<int> without(const std::vector<int>& layers, const std::vector<int>& taken) {
  std::vector<int> rest;
  std::set_difference(layers.begin(), layers.end(), taken.begin(), taken.end(),
                      std::back_inserter(rest));
  return rest;
}

}  // namespace

TEST_CASE("a convolution equals LibTorch's own", "[executor]") {
  SingleLayer single(
      Conv2d{.out_channels = 6,
             .kernel_size = 3,
             .stride = 2,
             .padding = 2,
             .groups = 2,
             .dilation = 2},
      {{4, 7, 7}});
  torch::nn::Conv2d own(torch::nn::Conv2dOptions(4, 6, 3).stride(2).padding(2).groups(2).dilation(2));
  torch::NoGradGuard no_grad;
  own->weight.copy_(single.parameter("weight"));
  own->bias.copy_(single.parameter("bias"));
  CHECK(torch::equal(single.output(), own->forward(single.inputs[0])));
}

TEST_CASE("a linear layer equals LibTorch's own", "[executor]") {
  SingleLayer single(Linear{.out_features = 6}, {{9}});
  torch::nn::Linear own(9, 6);
  torch::NoGradGuard no_grad;
  own->weight.copy_(single.parameter("weight"));
  own->bias.copy_(single.parameter("bias"));
  CHECK(torch::equal(single.output(), own->forward(single.inputs[0])));
}

TEST_CASE("batch norm over one group equals LibTorch's own, running statistics too", "[executor]") {
  SingleLayer single(BatchNorm2d{.eps = 1e-4, .momentum = 0.2}, {{3, 5, 5}});
  torch::nn::BatchNorm2d own(torch::nn::BatchNorm2dOptions(3).eps(1e-4).momentum(0.2));
  CHECK(torch::allclose(single.output(), own->forward(single.inputs[0]), 1e-5, 1e-6));
  single.stage.update_running_statistics();
  CHECK(torch::allclose(single.stage.buffers()[0].tensor, own->running_mean, 1e-5, 1e-7));
  CHECK(torch::allclose(single.stage.buffers()[1].tensor, own->running_var, 1e-5, 1e-7));
  own->eval();
  CHECK(torch::allclose(single.output(ForwardMode::kEvaluation), own->forward(single.inputs[0]),
                        1e-5, 1e-6));
}

TEST_CASE("layers without parameters equal LibTorch's own", "[executor]") {
  const auto compare = [](const Operation& operation, const std::vector<Shape>& shapes,
                          const auto& own) {
    SingleLayer single(operation, shapes);
    INFO(kind_name(operation));
    CHECK(torch::equal(single.output(), own(single.inputs)));
  };
  using Inputs = std::vector<at::Tensor>;
  const Shape image{3, 8, 8};
  compare(Relu{}, {image}, [](const Inputs& x) { return torch::relu(x[0]); });
  compare(MaxPool2d{.kernel_size = 3, .stride = 2, .padding = 1}, {image}, [](const Inputs& x) {
    return torch::nn::MaxPool2d(torch::nn::MaxPool2dOptions(3).stride(2).padding(1))(x[0]);
  });
  compare(AdaptiveAvgPool2d{.output_size = 3}, {image},
          [](const Inputs& x) { return torch::nn::AdaptiveAvgPool2d(3)(x[0]); });
  // Of 8 rows 3, of 9 rows 1: the pixel after half of them, around which a patch lies.
  compare(CenterCrop2d{.size = 3}, {image},
          [](const Inputs& x) { return x[0].slice(2, 3, 6).slice(3, 3, 6); });
  compare(CenterCrop2d{.size = 1}, {{3, 9, 9}},
          [](const Inputs& x) { return x[0].slice(2, 4, 5).slice(3, 4, 5); });
  compare(Flatten{}, {image}, [](const Inputs& x) { return x[0].reshape({8, -1}); });
  compare(Concat{}, {image, {2, 8, 8}}, [](const Inputs& x) {
    return torch::cat({x[0], x[1]}, 1);
  });
  compare(Add{}, {image, image, image}, [](const Inputs& x) { return x[0] + x[1] + x[2]; });
}

TEST_CASE("dropout drops a share of the elements in training and none in evaluation",
          "[executor]") {
  SingleLayer single(Dropout{.p = 0.25}, {{4000}});
  const at::Tensor output = single.output();
  // 32,000 draws: the share is within four standard deviations, 4 · √(0.25 · 0.75 / 32,000) < 0.01.
  CHECK((output == 0).to(torch::kFloat).mean().item<double>() == Approx(0.25).margin(0.01));
  CHECK(torch::allclose(
      output, torch::where(output == 0, torch::zeros_like(output), single.inputs[0] / 0.75)));
  CHECK(torch::equal(single.output(ForwardMode::kEvaluation), single.inputs[0]));
}

TEST_CASE("a sample's dropout mask depends on seed, step, layer and sample alone", "[executor]") {
  const at::Tensor whole = torch::empty({8, 3, 5});
  const DropoutDraw draw{.seed = 1, .step = 2, .layer = 3, .first_sample = 0};
  const at::Tensor mask = dropout_mask(whole, 0.5, draw);
  DropoutDraw second_half = draw;
  second_half.first_sample = 4;
  CHECK(torch::equal(dropout_mask(whole.narrow(0, 4, 4), 0.5, second_half), mask.narrow(0, 4, 4)));
  const auto differs = [&](const DropoutDraw& other) {
    return !torch::equal(dropout_mask(whole, 0.5, other), mask);
  };
  CHECK(differs({.seed = 9, .step = 2, .layer = 3}));
  CHECK(differs({.seed = 1, .step = 9, .layer = 3}));
  CHECK(differs({.seed = 1, .step = 2, .layer = 9}));
  CHECK(differs({.seed = 1, .step = 2, .layer = 3, .first_sample = 8}));
}

TEST_CASE("a stage names what it reads and what it gives", "[executor]") {
  const ModelGraph model = small::every_kind();
  // Layers 2 (a.relu1) to 4 (a.sum) with 10 (b.average): one reads a.norm1, one b.relu.
  const StageNetwork stage(model, {2, 3, 4, 10}, kSeed);
  CHECK((stage.inputs() == std::vector<Source>{{.index = 1}, {.index = 9}}));
  CHECK((stage.outputs() == std::vector<int>{4, 10}));
  const StageNetwork whole = whole_network(model, kSeed);
  CHECK((whole.inputs() == std::vector<Source>{{.is_model_input = true, .index = 0},
                                               {.is_model_input = true, .index = 1}}));
  CHECK((whole.outputs() == std::vector<int>{14}));
}

TEST_CASE("a stage never writes to its inputs", "[executor]") {
  const ModelGraph model = small::every_kind();
  StageNetwork stage(model, {2, 3, 4}, kSeed);  // starts with a ReLU
  const at::Tensor input = torch::randn({4, 6, 8, 8});
  const at::Tensor before = input.clone();
  static_cast<void>(stage.forward({input}, {.samples = {.begin = 0, .end = 4}}));
  CHECK(torch::equal(input, before));
}

TEST_CASE("a network cut at any boundary has the whole one's loss and gradients, bit by bit",
          "[executor][property]") {
  const ModelGraph model = small::every_kind();
  const std::vector<int> layers = all_layers(model);
  const std::vector<SampleRange> batch{{.begin = 0, .end = 8}};
  const Step whole = run_step(model, {layers}, batch);
  REQUIRE(whole.gradients.size() == 11);
  for (const auto& [name, gradient] : whole.gradients) {
    INFO(name);
    REQUIRE(gradient.abs().max().item<double>() > 0);
  }
  const std::set<std::vector<int>> downsets = proper_downsets(model);
  REQUIRE(downsets.size() > 40);  // 8 prefixes of one branch times 6 of the other, and the tail
  for (const std::vector<int>& first : downsets) {
    const Step cut = run_step(model, {first, without(layers, first)}, batch);
    INFO("first stage of " << first.size() << " layers up to " << first.back());
    REQUIRE(cut.loss == whole.loss);
    for (const auto& [name, gradient] : whole.gradients) {
      INFO(name);
      REQUIRE(torch::equal(cut.gradients.at(name), gradient));
    }
  }
}

TEST_CASE("micro-batches of whole groups have the whole batch's loss and gradients",
          "[executor][property]") {
  const ModelGraph model = small::every_kind();
  const std::vector<int> layers = all_layers(model);
  const Step whole = run_step(model, {layers}, {{.begin = 0, .end = 16}});
  const std::vector<std::vector<SampleRange>> cuts{
      {{0, 8}, {8, 16}}, {{0, 4}, {4, 16}}, {{0, 4}, {4, 8}, {8, 12}, {12, 16}}};
  double greatest = 0;
  for (const std::vector<SampleRange>& micro_batches : cuts) {
    const Step cut = run_step(model, {layers}, micro_batches);
    CHECK_THAT(cut.loss, WithinRel(whole.loss, 1e-6));
    for (const auto& [name, gradient] : whole.gradients) {
      INFO(name);
      // A bias before batch norm has no effect: its gradient is rounding noise around 0.
      if (name == "a.conv1.bias") continue;
      const double difference = small::relative_difference(cut.gradients.at(name), gradient);
      greatest = std::max(greatest, difference);
      CHECK(difference < 1e-6);
    }
  }
  INFO("greatest relative difference " << greatest);
}

TEST_CASE("every division starts from the same parameters", "[executor]") {
  const ModelGraph model = small::every_kind();
  const StageNetwork whole = whole_network(model, kSeed);
  std::map<std::string, at::Tensor> parameters;
  for (const NamedTensor& named : whole.parameters()) parameters[named.name] = named.tensor;
  const StageNetwork tail(model, {7, 8, 14}, kSeed);
  REQUIRE(tail.parameters().size() == 5);
  for (const NamedTensor& named : tail.parameters())
    CHECK(torch::equal(named.tensor, parameters.at(named.name)));
  const StageNetwork other(model, {7}, kSeed + 1);
  CHECK_FALSE(torch::equal(other.parameters()[0].tensor, parameters.at("b.conv.weight")));
}

TEST_CASE("the optimizer's step on flat tensors equals LibTorch's SGD", "[executor]") {
  const ModelGraph model = small::every_kind();
  StageNetwork stage = whole_network(model, kSeed);
  std::vector<at::Tensor> copies;
  for (const NamedTensor& named : stage.parameters())
    copies.push_back(named.tensor.detach().clone().requires_grad_());
  torch::optim::SGD own(copies, torch::optim::SGDOptions(0.1).momentum(0.9).weight_decay(0.01));
  at::Tensor velocity = torch::zeros_like(stage.flat_parameters());
  for (int step = 0; step < 3; ++step) {
    stage.zero_gradients();
    const std::vector<at::Tensor> outputs = stage.forward(
        small::random_inputs(model, 8), {.step = step, .samples = {.begin = 0, .end = 8}});
    stage.backward(outputs, {torch::ones_like(outputs[0])});
    for (std::size_t i = 0; i < copies.size(); ++i)
      copies[i].mutable_grad() = stage.parameters()[i].tensor.grad().clone();
    own.step();
    torch::NoGradGuard no_grad;
    sgd_step(stage.flat_parameters(), stage.gradients(), velocity,
             {.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01});
    for (std::size_t i = 0; i < copies.size(); ++i) {
      INFO(stage.parameters()[i].name);
      CHECK(torch::allclose(stage.parameters()[i].tensor, copies[i], 1e-5, 1e-6));
    }
  }
}
