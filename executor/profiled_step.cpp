#include "executor/profiled_step.h"

#include <torch/torch.h>

#include <algorithm>
#include <numeric>

#include "executor/class_loss.h"
#include "planner/model_graph.h"
#include "planner/training_settings.h"

namespace cadastre {

std::vector<at::Tensor> ProfiledStep::load(const std::vector<at::Tensor>& random_inputs) {
  if (random_inputs.front().size(0) != batch_size_) {
    batch_size_ = random_inputs.front().size(0);
    inputs_.resize(random_inputs.size());
    std::iota(inputs_.begin(), inputs_.end(), std::size_t{0});
  }
  std::vector<at::Tensor> batch;
  // As in training: other samples each time, from all over the scene, into new tensors.
  time(StepPart::kLoad, [&] {
    if (options_.data != nullptr)
      batch = options_.data
                  ->load(0, {.begin = num_loaded_, .end = num_loaded_ + batch_size_}, inputs_,
                         TrainingData::Variation::kVaried)
                  .inputs;
    else
      for (const at::Tensor& input : random_inputs) batch.push_back(input.clone());
  });
  num_loaded_ += batch_size_;
  return batch;
}

void ProfiledStep::compute_loss(const at::Tensor& scores) {
  std::vector<std::int64_t> label_shape = scores.sizes().vec();
  label_shape.erase(label_shape.begin() + 1);
  const at::Tensor labels = at::arange(scores.numel() / scores.size(1), at::kLong)
                                .remainder(scores.size(1))
                                .reshape(label_shape);
  ClassLoss loss;
  loss.label_smoothing = recommended_training(OptimizerKind::kAdamW).loss.label_smoothing;
  time(StepPart::kLoss, [&] {
    const at::Tensor leaf = scores.detach().requires_grad_(true);
    class_loss_sum(leaf, labels, loss).backward();
  });
}

void ProfiledStep::update_by_adamw() {
  time(StepPart::kAdamW, [&] { update_.by_adamw(); });
  time(StepPart::kAverage, [&] { update_.average(); });
}

void ProfiledStep::update() {
  update_.by_adamw();
  update_.average();
}

void ProfiledStep::update_by_sgd() {
  const double sgd_s = seconds_of([&] { update_.by_sgd(); });
  if (counts_) sgd_s_[batch_size_].push_back(sgd_s);
}

/// Through the least and the greatest size, as far as neither becomes negative.
void ProfiledStep::set_line(StepPart part, double& s_per_batch, double& s_per_sample) const {
  const std::int64_t least = sgd_s_.begin()->first;
  const std::int64_t most = sgd_s_.rbegin()->first;
  const double least_s = timings_.of_micro_batch_s(least, part);
  const double most_s = timings_.of_micro_batch_s(most, part);
  s_per_sample = most_s / static_cast<double>(most);
  if (least < most)
    s_per_sample =
        std::clamp((most_s - least_s) / static_cast<double>(most - least), 0.0, s_per_sample);
  s_per_batch = std::max(0.0, most_s - s_per_sample * static_cast<double>(most));
}

void ProfiledStep::write(Profile& profile) const {
  set_line(StepPart::kLoad, profile.load_s_per_micro_batch, profile.load_s_per_sample);
  set_line(StepPart::kLoss, profile.loss_s_per_micro_batch, profile.loss_s_per_sample);
  const std::int64_t num_parameters = network_.flat_parameters().numel();
  if (num_parameters == 0) return;
  const auto bytes = static_cast<double>(kBytesPerElement * num_parameters);
  // Passes of small batches leave in the caches what the greatest push out, as those of a step do.
  const auto& [most, of_most] = *sgd_s_.rbegin();
  profile.optimizer_s_per_parameter_byte =
      timings_.whole_to_parts(most) * timings_.quantile_s(of_most) / bytes;
  profile.adamw_s_per_parameter_byte = timings_.taken_s(most, StepPart::kAdamW) / bytes;
  profile.average_s_per_parameter_byte = timings_.taken_s(most, StepPart::kAverage) / bytes;
}

}  // namespace cadastre
