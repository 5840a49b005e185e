#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "executor/network.h"
#include "planner/cache_effect.h"

namespace cadastre {

/// Micro-batches in the order of 1F1B, forward of one and backward of the earliest in turn, so
/// many in flight; and, to compare with, each backward right after its forward.
struct InFlightTrial {
  std::int64_t batch_size = 1;     ///< of each micro-batch
  std::int64_t num_in_flight = 2;  ///< micro-batches; as many backward passes are timed
  int repeats = 1;                 ///< that count; one is before them

  /// That pass in all.
  [[nodiscard]] std::int64_t num_samples() const {
    return batch_size * (3 * num_in_flight - 1) * (repeats + 1);
  }
};

/// Those that show what caches do to micro-batches as plans have them, of no more samples at once
/// than the greatest of the sizes. `batch_sizes`: ascending. None of one size alone.
[[nodiscard]] std::vector<InFlightTrial> in_flight_trials(
    const std::vector<std::int64_t>& batch_sizes, int repeats);

/// The median of the repeats. `inputs`: of the network, (batch_size, …) each.
/// `saved_bytes_per_sample`: what a pass keeps.
[[nodiscard]] BackwardBeside time_in_flight(StageNetwork& network,
                                            const std::vector<at::Tensor>& inputs,
                                            const ForwardContext& context,
                                            const InFlightTrial& trial,
                                            std::int64_t saved_bytes_per_sample);

}  // namespace cadastre
