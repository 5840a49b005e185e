#include "executor/stage_optimizer.h"

#include <torch/torch.h>

#include "executor/adamw.h"
#include "tests/executor/small_networks.h"
#include "tests/support/catch.h"

using namespace cadastre;

namespace {

/// A network with gradients, and copies of its tensors for LibTorch's own optimizers.
struct World {
  StageNetwork network = whole_network(small::every_kind(), 3);
  std::vector<at::Tensor> weights;  ///< that decay
  std::vector<at::Tensor> others;

  World() {
    for (const NamedTensor& named : network.parameters()) {
      at::Tensor copy = named.tensor.detach().clone().requires_grad_(true);
      (named.tensor.dim() > 1 ? weights : others).push_back(copy);
    }
  }

  void set_gradients(int step) {
    torch::manual_seed(step);
    network.gradients().copy_(torch::randn_like(network.gradients()));
    std::size_t w = 0;
    std::size_t o = 0;
    for (const NamedTensor& named : network.parameters()) {
      at::Tensor copy = named.tensor.dim() > 1 ? weights[w++] : others[o++];
      copy.mutable_grad() = named.tensor.grad().clone();
    }
  }

  double difference() const {
    double worst = 0;
    std::size_t w = 0;
    std::size_t o = 0;
    for (const NamedTensor& named : network.parameters()) {
      const at::Tensor& copy = named.tensor.dim() > 1 ? weights[w++] : others[o++];
      worst = std::max(worst, (named.tensor - copy).abs().max().item<double>());
    }
    return worst;
  }

  template <typename Options>
  std::vector<torch::optim::OptimizerParamGroup> groups(Options options, double decay) const {
    std::vector<torch::optim::OptimizerParamGroup> made;
    made.emplace_back(weights, std::make_unique<Options>(Options(options).weight_decay(decay)));
    made.emplace_back(others, std::make_unique<Options>(Options(options).weight_decay(0)));
    return made;
  }
};

}  // namespace

TEST_CASE("AdamW takes LibTorch's steps; weights alone decay", "[executor]") {
  World world;
  const torch::optim::AdamWOptions options(0.01);
  torch::optim::AdamW reference(world.groups(options, 0.1), options);
  StageOptimizer optimizer(world.network);
  const at::Tensor begin = world.network.flat_parameters().clone();
  for (int step = 0; step < 20; ++step) {
    world.set_gradients(step);
    reference.step();
    optimizer.step(
        {.kind = OptimizerKind::kAdamW, .learning_rate = 0.01, .weight_decay = 0.1});
  }
  CHECK(world.difference() < 1e-6);
  CHECK((world.network.flat_parameters() - begin).abs().max().item<double>() > 0.01);
}

TEST_CASE("SGD takes LibTorch's steps; weights alone decay", "[executor]") {
  World world;
  const torch::optim::SGDOptions options = torch::optim::SGDOptions(0.01).momentum(0.9);
  torch::optim::SGD reference(world.groups(options, 0.1), options);
  StageOptimizer optimizer(world.network);
  for (int step = 0; step < 20; ++step) {
    world.set_gradients(step);
    reference.step();
    optimizer.step({.learning_rate = 0.01, .momentum = 0.9, .weight_decay = 0.1});
  }
  CHECK(world.difference() < 1e-6);
}

TEST_CASE("gradients are scaled before anything else", "[executor]") {
  at::Tensor once = torch::ones({3});
  at::Tensor twice = torch::ones({3});
  const at::Tensor gradients = torch::tensor({1e-8F, -2e-8F, 3.0F});  // epsilon shows
  at::Tensor mean = torch::zeros({3});
  at::Tensor square = torch::zeros({3});
  adamw_step(once, 2 * gradients, mean, square, 1, {.learning_rate = 0.1});
  mean.zero_();
  square.zero_();
  adamw_step(twice, gradients, mean, square, 1, {.learning_rate = 0.1, .gradient_scale = 2});
  CHECK(torch::equal(once, twice));
}

TEST_CASE("the average of weights follows them, the first steps at once", "[executor]") {
  StageNetwork network = whole_network(small::every_kind(), 3);
  WeightAverage average;
  CHECK_FALSE(average.is_defined());
  double expected = 0;
  network.flat_state().fill_(0);
  average.add(network, 0.9, 1);
  for (int step = 1; step < 200; ++step) {
    network.flat_state().fill_(step);
    average.add(network, 0.9, 1);
    const double count = step + 1;
    const double kept = std::min(0.9, count / (count + 9));
    expected = kept * expected + (1 - kept) * step;
  }
  average.swap_with(network);
  CHECK(network.flat_state()[0].item<double>() == Approx(expected).epsilon(1e-4));
  CHECK(expected == Approx(199 - 9).epsilon(1e-3));  // decay / (1 - decay) steps behind
  average.swap_with(network);
  CHECK(network.flat_state()[0].item<double>() == 199);
}
