#pragma once

#include <cstdint>
#include <vector>

namespace cadastre {

/// The order in which an epoch visits the training samples: a random permutation of
/// 0..num_samples-1 that depends on seed and epoch only, the same on every rank and machine
/// (Fisher-Yates over a counter-based generator).
[[nodiscard]] std::vector<std::int32_t> sample_order(std::uint64_t seed, std::int64_t epoch,
                                                     std::int64_t num_samples);

}  // namespace cadastre
