#pragma once

#include <cstdint>

namespace cadastre {

/// The learning rate of step `step` of `num_steps`: rises linearly over the first tenth (at most
/// 100 steps), then falls as half a cosine to 0 (Loshchilov and Hutter 2017, equation 5).
[[nodiscard]] double learning_rate(double peak, std::int64_t step, std::int64_t num_steps);

}  // namespace cadastre
