#pragma once

#include <cstdint>
#include <vector>

#include "planner/cost_table.h"

namespace cadastre {

/// Whether the loading of model inputs is part of a layer's work. A stage loads before it waits for
/// what it reads from others, so loading is part of its load, but not of the ways that lead to it.
enum class Loading { kCounted, kLeftOut };

/// [layer] seconds to load, for `samples`, the model inputs that no other layer reads.
[[nodiscard]] std::vector<double> loading_s(const CostTable& table, std::int64_t samples);

/// [layer] seconds that `batch_size` samples take on the profile's device at least, forward and
/// backward, however they are cut into passes of `most_samples` at most: at the best size there is.
[[nodiscard]] std::vector<double> least_layer_work(const CostTable& table, std::int64_t batch_size,
                                                   std::int64_t most_samples, Loading loading);

}  // namespace cadastre
