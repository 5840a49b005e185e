#include "executor/sample_order.h"

#include <numeric>
#include <utility>

#include "executor/random.h"

namespace cadastre {

std::vector<std::int32_t> sample_order(std::uint64_t seed, std::int64_t epoch,
                                       std::int64_t num_samples) {
  std::vector<std::int32_t> order(static_cast<std::size_t>(num_samples));
  std::iota(order.begin(), order.end(), 0);
  const std::uint64_t key = mix(mix(seed, "sample order"), static_cast<std::uint64_t>(epoch));
  for (std::size_t i = order.size(); i > 1; --i) {
    // The modulo's bias is under i / 2^64.
    const std::size_t j = mix(key, i) % i;
    std::swap(order[i - 1], order[j]);
  }
  return order;
}

}  // namespace cadastre
