#include "executor/probe/workload.h"

#include <algorithm>

namespace cadastre {

Workload::Workload(const ModelGraph& model, std::int64_t num_samples)
    : network_(whole_network(model, 1)),
      num_samples_(std::max(num_samples / model.batch_norm_group_samples, std::int64_t{1}) *
                   model.batch_norm_group_samples) {
  for (const ModelInput& input : model.inputs) {
    std::vector<std::int64_t> shape = {num_samples_};
    shape.insert(shape.end(), input.shape.begin(), input.shape.end());
    inputs_.push_back(at::rand(shape));
  }
}

void Workload::run() {
  const std::vector<at::Tensor> outputs =
      network_.forward(inputs_, {.samples = {.begin = 0, .end = num_samples_}});
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& output : outputs) gradients.push_back(at::ones_like(output));
  network_.backward(outputs, gradients);
}

}  // namespace cadastre
