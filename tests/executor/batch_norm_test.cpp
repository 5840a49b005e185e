#include "executor/batch_norm.h"

#include <torch/torch.h>

#include <tuple>
#include <vector>

#include "tests/support/catch.h"

using namespace cadastre;

namespace {

constexpr double kEps = 1e-5;

struct Problem {
  at::Tensor x = torch::randn({12, 5, 7, 3}) * 2 + 3;
  at::Tensor weight = torch::rand({5}) + 0.5;
  at::Tensor bias = torch::randn({5});
  at::Tensor y_gradient = torch::randn({12, 5, 7, 3});
  at::Tensor pending = torch::zeros({11}, torch::kDouble);
};

/// y and the gradients of x, weight and bias.
using Outcome = std::vector<at::Tensor>;

template <typename Forward>
Outcome outcome(const Problem& problem, const Forward& forward) {
  const at::Tensor x = problem.x.detach().clone().requires_grad_();
  const at::Tensor weight = problem.weight.detach().clone().requires_grad_();
  const at::Tensor bias = problem.bias.detach().clone().requires_grad_();
  const at::Tensor y = forward(x, weight, bias);
  y.backward(problem.y_gradient);
  return {y.detach(), x.grad(), weight.grad(), bias.grad()};
}

/// LibTorch's own batch norm, group by group.
Outcome reference(const Problem& problem, std::int64_t group_samples) {
  return outcome(
      problem, [&](const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
        std::vector<at::Tensor> groups;
        for (const at::Tensor& group : x.split(group_samples))
          groups.push_back(torch::batch_norm(group, weight, bias, {}, {}, true, 0.1, kEps, false));
        return torch::cat(groups);
      });
}

Outcome grouped(const Problem& problem, std::int64_t group_samples) {
  return outcome(problem,
                 [&](const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
                   return group_batch_norm(x, weight, bias, group_samples, kEps, problem.pending);
                 });
}

}  // namespace

TEST_CASE("grouped batch norm equals plain batch norm on each group, forward and gradients",
          "[executor]") {
  torch::manual_seed(3);
  const Problem problem;
  for (const std::int64_t group_samples : {1, 3, 4, 6, 12, 100}) {
    const Outcome ours = grouped(problem, group_samples);
    const Outcome plain = reference(problem, group_samples);
    for (std::size_t i = 0; i < ours.size(); ++i) {
      INFO("groups of " << group_samples << ", tensor " << i);
      CHECK(torch::allclose(ours[i], plain[i], 1e-4, 1e-5));
    }
  }
}

TEST_CASE("a batch cut between groups gives the same values bit by bit", "[executor]") {
  torch::manual_seed(3);
  Problem problem;
  const Outcome whole = grouped(problem, 4);
  Problem last = problem;
  last.x = problem.x.narrow(0, 4, 8);
  last.y_gradient = problem.y_gradient.narrow(0, 4, 8);
  const Outcome part = grouped(last, 4);
  CHECK(torch::equal(part[0], whole[0].narrow(0, 4, 8)));
  CHECK(torch::equal(part[1], whole[1].narrow(0, 4, 8)));
}

TEST_CASE("gradients that are not contiguous are understood", "[executor]") {
  torch::manual_seed(3);
  Problem problem;
  problem.y_gradient = torch::randn({5, 12, 1, 3}).transpose(0, 1).expand({12, 5, 7, 3});
  const Outcome ours = grouped(problem, 4);
  const Outcome plain = reference(problem, 4);
  for (std::size_t i = 0; i < ours.size(); ++i)
    CHECK(torch::allclose(ours[i], plain[i], 1e-4, 1e-5));
}

TEST_CASE("running statistics move to the mean of the groups', in any order of the sums",
          "[executor]") {
  torch::manual_seed(3);
  const Problem problem;
  static_cast<void>(grouped(problem, 4));
  at::Tensor mean = torch::ones({5});
  at::Tensor variance = torch::full({5}, 2.0);

  // Expected: the three groups' means and unbiased variances, averaged, with momentum 0.1.
  at::Tensor group_means = torch::zeros({5});
  at::Tensor group_variances = torch::zeros({5});
  for (const at::Tensor& group : problem.x.split(4)) {
    group_means += group.mean({0, 2, 3}) / 3;
    group_variances += group.transpose(0, 1).reshape({5, -1}).var(1, /*unbiased=*/true) / 3;
  }
  at::Tensor pending = problem.pending;
  update_running_statistics(mean, variance, pending, 0.1);
  CHECK(torch::allclose(mean, 0.9 * torch::ones({5}) + 0.1 * group_means, 1e-5, 1e-6));
  CHECK(torch::allclose(variance, 0.9 * torch::full({5}, 2.0) + 0.1 * group_variances, 1e-5, 1e-6));
  CHECK(pending.abs().max().item<double>() == 0);

  const at::Tensor unchanged = mean.clone();
  update_running_statistics(mean, variance, pending, 0.1);
  CHECK(torch::equal(mean, unchanged));
}

TEST_CASE("batches that groups do not divide are refused", "[executor]") {
  const Problem problem;
  CHECK_THROWS_WITH(grouped(problem, 5),
                    "batch norm: 12 samples are no multiple of the group of 5");
  Problem pixel;
  pixel.x = torch::randn({4, 5, 1, 1});
  pixel.y_gradient = torch::randn({4, 5, 1, 1});
  CHECK_THROWS_WITH(grouped(pixel, 1),
                    "batch norm: a group of one value per channel has no variance");
}
