#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

namespace cadastre {

/// What class scores are punished for.
struct ClassLoss {
  at::Tensor class_weights;    ///< (K), float32; undefined: all are 1
  double focal_gamma = 0;      ///< 0: plain cross-entropy
  double label_smoothing = 0;  ///< part of a label that is spread over all classes
  /// The loss is divided by it: 1, or, where a sample is a patch of labels, the (weighted) number
  /// of its labels in the mean over the training samples. A constant, so that the sum over the
  /// slices of a batch is the batch's loss however it was cut.
  double labels_per_sample = 1;
};

/// Classes without a label: ignored.
inline constexpr std::int64_t kNoLabel = -1;

/// Sum over the samples of the loss of `scores`, (N, K) or (N, K, P, P), against `labels`, (N) or
/// (N, P, P), int64. Each label's loss is its cross-entropy, weighted by its class, smoothed as
/// torch.nn.functional.cross_entropy does it, and times (1 - p)^gamma, p the probability of the
/// label's class (Lin et al. 2017, equation 4).
[[nodiscard]] at::Tensor class_loss_sum(const at::Tensor& scores, const at::Tensor& labels,
                                        const ClassLoss& loss);

/// Weights proportional to (samples of the class)^-power, the mean of which is 1 over samples drawn
/// with `draw_chances`. Undefined for power 0. Every class must have a sample.
[[nodiscard]] at::Tensor class_weights(const std::vector<std::int64_t>& num_samples,
                                       const std::vector<double>& draw_chances, double power);

}  // namespace cadastre
