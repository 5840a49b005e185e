#include "executor/max_pool.h"

#include <torch/torch.h>

#include <limits>

#include "tests/support/catch.h"

using namespace cadastre;

TEST_CASE("max pooling equals LibTorch's own, forward and gradient, ties and NaN included",
          "[executor]") {
  torch::manual_seed(5);
  // Whole numbers, so that windows hold ties.
  at::Tensor values = torch::randint(-3, 3, {3, 4, 9, 11}, torch::kFloat);
  values[0][0][2][2] = std::numeric_limits<float>::quiet_NaN();
  values[1][1].fill_(-std::numeric_limits<float>::infinity());
  for (const MaxPool2d& pool :
       {MaxPool2d{.kernel_size = 2, .stride = 2}, MaxPool2d{.kernel_size = 2, .stride = 1},
        MaxPool2d{.kernel_size = 3, .stride = 2, .padding = 1},
        MaxPool2d{.kernel_size = 3, .stride = 3}}) {
    INFO("kernel " << pool.kernel_size << ", stride " << pool.stride << ", padding "
                   << pool.padding);
    const at::Tensor ours_x = values.clone().requires_grad_();
    const at::Tensor own_x = values.clone().requires_grad_();
    const at::Tensor ours = max_pool(ours_x, pool);
    const at::Tensor own = torch::max_pool2d(own_x, pool.kernel_size, pool.stride, pool.padding);
    CHECK(torch::allclose(ours, own, 0, 0, /*equal_nan=*/true));
    CHECK(torch::allclose(max_pool(values, pool), own, 0, 0, /*equal_nan=*/true));
    const at::Tensor gradient = torch::randn(own.sizes());
    ours.backward(gradient);
    own.backward(gradient);
    CHECK(torch::allclose(ours_x.grad(), own_x.grad(), 1e-6, 1e-7));
  }
}
