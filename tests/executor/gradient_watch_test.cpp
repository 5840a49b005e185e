#include "executor/gradient_watch.h"

#include <torch/torch.h>

#include <stdexcept>
#include <string>

#include "executor/network.h"
#include "tests/executor/small_networks.h"
#include "tests/support/catch.h"

using namespace cadastre;

TEST_CASE("gradients are final when the watch says so, group by group", "[executor]") {
  const ModelGraph model = small::every_kind();
  StageNetwork network = whole_network(model, 1);
  // Each layer a group of its own, from the last to the first; some have no parameters.
  std::vector<std::vector<at::Tensor>> groups;
  for (std::size_t layer = model.layers.size(); layer-- > 0;)
    groups.push_back(network.layer_parameters(static_cast<int>(layer)));
  GradientWatch watch(groups);
  const std::vector<at::Tensor> inputs = small::random_inputs(model, 8);
  const auto pass = [&] {
    cross_entropy_sum(network.forward(inputs, {.samples = {.begin = 0, .end = 8}}).front(),
                      torch::arange(8).remainder(small::kNumClasses))
        .backward();
  };
  pass();  // outside of `run` nobody is told, and gradients add up as ever

  std::vector<std::size_t> told;
  std::vector<std::vector<at::Tensor>> when_told;
  bool is_over = false;
  std::size_t num_told_in_pass = 0;
  watch.run(
      [&] {
        pass();
        is_over = true;
      },
      [&](std::size_t group) {
        told.push_back(group);
        if (!is_over) ++num_told_in_pass;
        std::vector<at::Tensor>& gradients = when_told.emplace_back();
        for (const at::Tensor& parameter : groups[group])
          gradients.push_back(parameter.grad().clone());
      });
  REQUIRE(told.size() == groups.size());
  CHECK(num_told_in_pass == groups.size());
  for (std::size_t group = 0; group < groups.size(); ++group) {
    CHECK(told[group] == group);
    for (std::size_t p = 0; p < groups[group].size(); ++p) {
      CHECK(torch::equal(when_told[group][p], groups[group][p].grad()));
      CHECK(when_told[group][p].abs().max().item<double>() > 0);
    }
  }
}

TEST_CASE("a pass that reaches no parameter, or fails, leaves a watch that works", "[executor]") {
  at::Tensor first = torch::ones({2}).requires_grad_();
  at::Tensor second = torch::ones({2}).requires_grad_();
  GradientWatch watch({{first}, {second}});
  std::string told;
  const auto tell = [&](std::size_t group) { told += std::to_string(group); };
  watch.run([] {}, tell);
  CHECK(told == "01");

  told.clear();
  // The later group alone: it waits for the pass to end, as the one before it might still come.
  std::string told_in_pass = "?";
  watch.run(
      [&] {
        second.sum().backward();
        told_in_pass = told;
      },
      tell);
  CHECK(told_in_pass.empty());
  CHECK(told == "01");

  told.clear();
  CHECK_THROWS_AS(watch.run([] { throw std::runtime_error("no"); }, tell), std::runtime_error);
  first.sum().backward();
  CHECK(told.empty());
  watch.run([&] { (first + second).sum().backward(); }, tell);
  CHECK(told == "01");
}
