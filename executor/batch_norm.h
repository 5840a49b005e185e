#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace cadastre {

// Shapes: N samples, C channels, H × W pixels; G = N / group_samples groups, at least 1.

/// Batch normalisation over groups of `group_samples` consecutive samples of `x` (N, C, H, W), each
/// group with its own mean and variance; differentiable in `x`, `weight` (C) and `bias` (C). Fewer
/// samples than a group are one group. The result for a group does not depend on the others, so
/// cutting a batch between groups changes nothing.
///
/// Adds to `pending`, float64 (2C + 1): each group's means, its unbiased variances and the number
/// of groups; nothing when it is not defined. Throws std::invalid_argument when N is neither a
/// multiple of `group_samples` nor smaller, or when a group holds one value per channel only.
[[nodiscard]] at::Tensor group_batch_norm(const at::Tensor& x, const at::Tensor& weight,
                                          const at::Tensor& bias, std::int64_t group_samples,
                                          double eps, const at::Tensor& pending);

/// running = (1 - momentum) · running + momentum · (sum / count) for mean (C) and variance (C),
/// from `pending` as filled by `group_batch_norm`, which is zeroed. Nothing happens when it is
/// empty. Sums may come from several replicas: their order does not matter.
void update_running_statistics(at::Tensor& running_mean, at::Tensor& running_variance,
                               at::Tensor& pending, double momentum);

}  // namespace cadastre
