#include "executor/dropout.h"

#include <ATen/Parallel.h>

#include "executor/random.h"

namespace cadastre {

at::Tensor dropout_mask(const at::Tensor& x, double p, const DropoutDraw& draw) {
  at::Tensor mask = at::empty(x.sizes(), at::kFloat);
  const std::int64_t num_samples = x.size(0);
  if (mask.numel() == 0) return mask;
  const std::int64_t num_elements = mask.numel() / num_samples;
  const float kept = p < 1 ? static_cast<float>(1 / (1 - p)) : 0.0F;
  const double threshold = p * 0x1p32;  // a uniform 32-bit number below it drops the element
  const std::uint64_t layer_step =
      mix(mix(draw.seed, draw.layer), static_cast<std::uint64_t>(draw.step));
  float* const values = mask.data_ptr<float>();
  at::parallel_for(0, num_samples, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t sample = begin; sample < end; ++sample) {
      const std::uint64_t key =
          mix(layer_step, static_cast<std::uint64_t>(draw.first_sample + sample));
      float* const row = values + sample * num_elements;
      for (std::int64_t i = 0; i < num_elements; ++i) {
        const std::uint64_t bits = mix(key + static_cast<std::uint64_t>(i)) >> 32U;
        row[i] = static_cast<double>(bits) < threshold ? 0.0F : kept;
      }
    }
  });
  return mask;
}

}  // namespace cadastre
