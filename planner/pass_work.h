#pragma once

#include <vector>

#include "planner/model_graph.h"

namespace cadastre {

/// What one pass of a layer computes and moves, counted from shapes: the axes of a roofline.
struct PassWork {
  double flops_per_sample = 0;  ///< a multiplication and an addition count as two
  double bytes_per_sample = 0;  ///< read and written, each tensor once
  double bytes = 0;             ///< likewise, whatever the samples: parameters, their gradients
  bool operator==(const PassWork&) const = default;
};

struct LayerWork {
  PassWork forward;
  PassWork backward;  ///< nothing where the loss has no gradient for the layer
  bool operator==(const LayerWork&) const = default;
};

/// The work of each layer of a checked model in training.
///
/// Convolutions are counted as direct ones (2 C_in/groups k^2 per output element) and linear layers
/// as matrix products; their backward pass does that once for the parameters, and once more for the
/// input unless it is the model's or nothing before it learns. Batch norm reads its input twice:
/// for the statistics, and to normalise. `Flatten`, and `Dropout` with p = 0, are views and do
/// nothing; nothing is known of `Profiled`.
///
/// Not counted: padding, convolutions by FFT or Winograd, what a cache saves between two layers.
[[nodiscard]] std::vector<LayerWork> layer_work(const ModelGraph& model);

}  // namespace cadastre
