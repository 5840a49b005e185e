#pragma once

#include <cmath>
#include <numbers>
#include <random>

namespace cadastre {

/// In (0, 1], the same on every platform, as std::uniform_real_distribution is not.
[[nodiscard]] inline double uniform(std::mt19937_64& bits) {
  constexpr int kMantissaBits = 53;
  return std::ldexp(static_cast<double>((bits() >> (64 - kMantissaBits)) + 1), -kMantissaBits);
}

/// Standard normal (Box and Muller 1958).
[[nodiscard]] inline double normal(std::mt19937_64& bits) {
  const double radius = std::sqrt(-2 * std::log(uniform(bits)));
  return radius * std::cos(2 * std::numbers::pi * uniform(bits));
}

}  // namespace cadastre
