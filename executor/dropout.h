#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace cadastre {

/// Where a dropout mask is drawn. Sample i's mask depends on (seed, step, layer, i) and on nothing
/// else, so every division of a batch drops the same elements.
struct DropoutDraw {
  std::uint64_t seed = 0;
  std::int64_t step = 0;
  std::uint64_t layer = 0;        ///< a hash of the layer's id
  std::int64_t first_sample = 0;  ///< index of the first row in the step's global batch
};

/// The factors by which a dropout layer multiplies `x` (N, …): 0 with probability `p` (in [0, 1]),
/// else 1 / (1 - p); the same shape as `x`.
[[nodiscard]] at::Tensor dropout_mask(const at::Tensor& x, double p, const DropoutDraw& draw);

}  // namespace cadastre
