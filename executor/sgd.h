#pragma once

#include <ATen/ATen.h>

namespace cadastre {

struct SgdSettings {
  double learning_rate = 0.05;
  double momentum = 0.9;
  double weight_decay = 1e-4;
  double gradient_scale = 1;  ///< gradients are multiplied by it first
};

/// One step of stochastic gradient descent on flat tensors (P), as torch.optim.SGD does it:
/// velocity = momentum · velocity + gradient + weight_decay · parameter;
/// parameter -= learning_rate · velocity. One pass over memory.
void sgd_step(at::Tensor& parameters, const at::Tensor& gradients, at::Tensor& velocity,
              const SgdSettings& settings);

}  // namespace cadastre
