#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "executor/network.h"
#include "planner/wait_effect.h"

namespace cadastre {

/// Steps as after a reduction, update, forward and backward, after waits and at once.
struct WaitTrial {
  std::int64_t batch_size = 1;                ///< of each pass
  std::vector<double> waits_s = {0.01, 0.1};  ///< of pipelines, and of reductions on slow links
  int repeats = 1;                            ///< that count; one is before them

  /// That pass in all.
  [[nodiscard]] std::int64_t num_samples() const;
};

/// For each wait, the medians over the repeats of what each part took longer than at once (less
/// than 0 where it took less). `inputs`: of the network, (batch_size, …) each. `update`: of the
/// network's parameters.
[[nodiscard]] std::vector<LongerAfterWaiting> time_after_waiting(
    StageNetwork& network, const std::vector<at::Tensor>& inputs, const ForwardContext& context,
    const std::function<void()>& update, const WaitTrial& trial);

}  // namespace cadastre
