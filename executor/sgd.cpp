#include "executor/sgd.h"

#include <ATen/Parallel.h>

#include <cstdint>

namespace cadastre {

void sgd_step(at::Tensor& parameters, const at::Tensor& gradients, at::Tensor& velocity,
              const SgdSettings& settings) {
  constexpr std::int64_t kGrain = 32768;
  const auto learning_rate = static_cast<float>(settings.learning_rate);
  const auto momentum = static_cast<float>(settings.momentum);
  const auto weight_decay = static_cast<float>(settings.weight_decay);
  const auto scale = static_cast<float>(settings.gradient_scale);
  float* const weights = parameters.data_ptr<float>();
  const float* const slopes = gradients.data_ptr<float>();
  float* const velocities = velocity.data_ptr<float>();
  at::parallel_for(0, parameters.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      velocities[i] = momentum * velocities[i] + scale * slopes[i] + weight_decay * weights[i];
      weights[i] -= learning_rate * velocities[i];
    }
  });
}

}  // namespace cadastre
