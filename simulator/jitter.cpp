#include "simulator/jitter.h"

#include <cmath>

#include "planner/log_normal.h"
#include "simulator/random_numbers.h"

namespace cadastre {

JitterSequence::JitterSequence(std::uint64_t seed, int rank) {
  std::seed_seq words{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32U),
                      static_cast<std::uint32_t>(rank)};
  bits_.seed(words);
}

double JitterSequence::next(double relative_spread) {
  // Of every instruction, so that one's spread does not shift what the others get.
  const double deviation = normal(bits_);
  return std::exp(log_normal_deviation(relative_spread) * deviation);
}

}  // namespace cadastre
