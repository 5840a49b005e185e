#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "executor/network.h"
#include "planner/model_graph.h"

namespace cadastre {

/// Forward and backward of a whole model, again and again.
class Workload {
 public:
  /// Of `num_samples`, or as many more as its batch norm takes at a time.
  Workload(const ModelGraph& model, std::int64_t num_samples);

  [[nodiscard]] std::int64_t num_samples() const { return num_samples_; }

  void run();

 private:
  StageNetwork network_;
  std::int64_t num_samples_;
  std::vector<at::Tensor> inputs_;
};

}  // namespace cadastre
