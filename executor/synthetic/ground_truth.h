#pragma once

#include <cstdint>
#include <vector>

#include "executor/synthetic/land.h"

namespace cadastre::synthetic {

/// Labels at 1 m, (R, C), 0 where unlabelled: like a field campaign's, they cover patches here and
/// there, and leave out pixels in which covers mix.
[[nodiscard]] std::vector<std::uint8_t> label_pixels(const Land& land, std::uint64_t seed);

inline constexpr std::uint8_t kTrain = 1;
inline constexpr std::uint8_t kTest = 2;

/// Divides the scene into square blocks that train or test, (R, C); 0 is the guard band, which
/// keeps any training pixel at least 9 pixels from any test pixel. Among the divisions that the
/// seed gives, the one is taken in which the least well divided class is divided best; empty when
/// each leaves some class without training or without test pixels.
[[nodiscard]] std::vector<std::uint8_t> split_pixels(const std::vector<std::uint8_t>& labels,
                                                     std::int64_t side, std::uint64_t seed);

}  // namespace cadastre::synthetic
