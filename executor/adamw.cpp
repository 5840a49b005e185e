#include "executor/adamw.h"

#include <ATen/Parallel.h>

#include <cmath>

namespace cadastre {

void adamw_step(at::Tensor& parameters, const at::Tensor& gradients, at::Tensor& mean,
                at::Tensor& square, std::int64_t step, const AdamWSettings& settings) {
  constexpr std::int64_t kGrain = 32768;
  constexpr double kBeta1 = 0.9;
  constexpr double kBeta2 = 0.999;
  constexpr float kEpsilon = 1e-8F;
  const auto count = static_cast<double>(step);
  // Corrections of the bias of averages that began as zeros.
  const auto step_size =
      static_cast<float>(settings.learning_rate / (1 - std::pow(kBeta1, count)));
  const auto square_scale = static_cast<float>(1 / std::sqrt(1 - std::pow(kBeta2, count)));
  const auto kept = static_cast<float>(1 - settings.learning_rate * settings.weight_decay);
  const auto scale = static_cast<float>(settings.gradient_scale);
  constexpr auto kOldMean = static_cast<float>(kBeta1);
  constexpr auto kNewMean = static_cast<float>(1 - kBeta1);
  constexpr auto kOldSquare = static_cast<float>(kBeta2);
  constexpr auto kNewSquare = static_cast<float>(1 - kBeta2);
  float* const weights = parameters.data_ptr<float>();
  const float* const slopes = gradients.data_ptr<float>();
  float* const means = mean.data_ptr<float>();
  float* const squares = square.data_ptr<float>();
  at::parallel_for(0, parameters.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const float slope = scale * slopes[i];
      means[i] = kOldMean * means[i] + kNewMean * slope;
      squares[i] = kOldSquare * squares[i] + kNewSquare * slope * slope;
      const float spread = std::sqrt(squares[i]) * square_scale + kEpsilon;
      weights[i] = kept * weights[i] - step_size * means[i] / spread;
    }
  });
}

}  // namespace cadastre
