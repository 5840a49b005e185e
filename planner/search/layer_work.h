#pragma once

#include <cstdint>
#include <vector>

#include "planner/cost_table.h"

namespace cadastre {

/// [layer] seconds for `samples` on the profile's device, with the loading of model inputs that no
/// other layer reads: a lower bound on what the layer adds to its stage.
[[nodiscard]] std::vector<LayerCost> costs_with_loading(const CostTable& table,
                                                        std::int64_t samples);

/// [layer] seconds that `batch_size` samples take on the profile's device at least, forward and
/// backward, however they are cut into passes of `most_samples` at most: at the best size there is.
[[nodiscard]] std::vector<double> least_layer_work(const CostTable& table, std::int64_t batch_size,
                                                   std::int64_t most_samples);

}  // namespace cadastre
