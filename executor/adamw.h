#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace cadastre {

struct AdamWSettings {
  double learning_rate = 3e-3;
  double weight_decay = 0.01;
  double gradient_scale = 1;  ///< gradients are multiplied by it first
};

/// One step of Adam with decoupled weight decay on flat tensors (P), as torch.optim.AdamW does it
/// with its defaults, beta 0.9 and 0.999, epsilon 1e-8. `step` counts from 1. `mean` and `square`,
/// moving averages of the gradient and of its square, begin as zeros. One pass over memory.
/// Source: Loshchilov and Hutter 2019, algorithm 2.
void adamw_step(at::Tensor& parameters, const at::Tensor& gradients, at::Tensor& mean,
                at::Tensor& square, std::int64_t step, const AdamWSettings& settings);

}  // namespace cadastre
