#include "simulator/factor_sequence.h"

#include <cmath>
#include <cstddef>

#include "planner/log_normal.h"
#include "simulator/random_numbers.h"

namespace cadastre {

namespace {

/// The same on every platform, as std::hash is not (FNV-1a).
std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char letter : text) {
    hash ^= static_cast<unsigned char>(letter);
    hash *= 0x100000001b3U;
  }
  return hash;
}

}  // namespace

FactorSequence::FactorSequence(std::uint64_t seed, const std::string& resource,
                               double relative_spread, double correlation_steps)
    : deviation_(log_normal_deviation(relative_spread)), renewal_(1 / correlation_steps) {
  constexpr unsigned kHalf = 32;
  const std::uint64_t hash = hash_of(resource);
  std::seed_seq words{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> kHalf),
                      static_cast<std::uint32_t>(hash), static_cast<std::uint32_t>(hash >> kHalf)};
  bits_.seed(words);
}

double FactorSequence::at(int step) {
  while (factors_.size() <= static_cast<std::size_t>(step)) {
    // Both are drawn in every step, so that what a step gets does not depend on the spread.
    const bool renewed = uniform(bits_) <= renewal_;
    const double factor = std::exp(deviation_ * normal(bits_));
    factors_.push_back(renewed || factors_.empty() ? factor : factors_.back());
  }
  return factors_[static_cast<std::size_t>(step)];
}

}  // namespace cadastre
