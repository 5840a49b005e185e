#pragma once

#include <cstdint>
#include <random>

namespace cadastre {

/// The factors by which a rank's compute times vary, in order.
class JitterSequence {
 public:
  JitterSequence(std::uint64_t seed, int rank);

  /// Log-normal with median 1; `relative_spread` (>= 0) is that between its quartiles.
  [[nodiscard]] double next(double relative_spread);

 private:
  std::mt19937_64 bits_;
};

}  // namespace cadastre
