#include "simulator/jitter.h"

#include <cmath>
#include <numbers>

namespace cadastre {

namespace {

/// In (0, 1], the same on every platform, as std::uniform_real_distribution is not.
double uniform(std::mt19937_64& bits) {
  constexpr int kMantissaBits = 53;
  return std::ldexp(static_cast<double>((bits() >> (64 - kMantissaBits)) + 1), -kMantissaBits);
}

/// Standard normal (Box and Muller 1958).
double normal(std::mt19937_64& bits) {
  const double radius = std::sqrt(-2 * std::log(uniform(bits)));
  return radius * std::cos(2 * std::numbers::pi * uniform(bits));
}

}  // namespace

JitterSequence::JitterSequence(std::uint64_t seed, int rank) {
  std::seed_seq words{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32U),
                      static_cast<std::uint32_t>(rank)};
  bits_.seed(words);
}

double JitterSequence::next(double relative_spread) {
  // Of every instruction, so that one's spread does not shift what the others get.
  const double deviation = normal(bits_);
  // The quartiles of exp(sigma z) are exp(-+0.6745 sigma): their distance is 2 sinh(0.6745 sigma).
  constexpr double kUpperQuartileOfNormal = 0.6744897501960817;
  return std::exp(std::asinh(relative_spread / 2) / kUpperQuartileOfNormal * deviation);
}

}  // namespace cadastre
