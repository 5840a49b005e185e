#include "executor/class_loss.h"

#include <torch/torch.h>

#include <cmath>

namespace cadastre {

at::Tensor class_loss_sum(const at::Tensor& scores, const at::Tensor& labels,
                          const ClassLoss& loss) {
  const bool is_focal = loss.focal_gamma > 0;
  at::Tensor losses = at::cross_entropy_loss(
      scores, labels, loss.class_weights, is_focal ? at::Reduction::None : at::Reduction::Sum,
      kNoLabel, loss.label_smoothing);
  if (is_focal) {
    const at::Tensor label = labels.clamp_min(0).unsqueeze(1);
    const at::Tensor chance = at::log_softmax(scores, 1).gather(1, label).squeeze(1).exp();
    losses = (at::pow((1 - chance).clamp_min(0), loss.focal_gamma) * losses).sum();
  }
  return losses / loss.labels_per_sample;
}

at::Tensor class_weights(const std::vector<std::int64_t>& num_samples,
                         const std::vector<double>& draw_chances, double power) {
  if (power == 0) return {};
  std::vector<double> weights;
  double mean = 0;
  for (std::size_t k = 0; k < num_samples.size(); ++k) {
    weights.push_back(std::pow(static_cast<double>(num_samples[k]), -power));
    mean += draw_chances[k] * weights[k];
  }
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(weights.size())}, at::kFloat);
  for (std::size_t k = 0; k < weights.size(); ++k)
    tensor.data_ptr<float>()[k] = static_cast<float>(weights[k] / mean);
  return tensor;
}

}  // namespace cadastre
