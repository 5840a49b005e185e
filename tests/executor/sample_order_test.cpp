#include "executor/sample_order.h"

#include <algorithm>
#include <numeric>

#include "tests/support/catch.h"

namespace cadastre {
namespace {

TEST_CASE("an epoch visits every sample once", "[executor]") {
  for (const std::int64_t num_samples : {1, 2, 7, 1000}) {
    std::vector<std::int32_t> order = sample_order(3, 5, num_samples);
    std::sort(order.begin(), order.end());
    std::vector<std::int32_t> all(static_cast<std::size_t>(num_samples));
    std::iota(all.begin(), all.end(), 0);
    CHECK(order == all);
  }
  CHECK(sample_order(3, 5, 0).empty());
}

TEST_CASE("the order of samples depends on seed and epoch only", "[executor]") {
  const std::vector<std::int32_t> order = sample_order(3, 5, 100);
  CHECK(order == sample_order(3, 5, 100));
  CHECK(order != sample_order(4, 5, 100));
  CHECK(order != sample_order(3, 6, 100));
  // Seed and epoch are no sum.
  CHECK(sample_order(1, 2, 100) != sample_order(2, 1, 100));
}

TEST_CASE("every sample comes first as often as any other", "[executor]") {
  // 3,000 orders of 6 samples: 500 firsts each, with a standard deviation of 20.4.
  constexpr std::int64_t kNumSamples = 6;
  std::vector<int> num_firsts(kNumSamples, 0);
  for (std::int64_t epoch = 0; epoch < 3000; ++epoch)
    ++num_firsts[static_cast<std::size_t>(sample_order(1, epoch, kNumSamples).front())];
  for (const int num : num_firsts) CHECK(std::abs(num - 500) < 100);
}

}  // namespace
}  // namespace cadastre
