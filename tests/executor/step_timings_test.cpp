#include "executor/step_timings.h"

#include <utility>

#include "tests/support/catch.h"

namespace cadastre {
namespace {

constexpr auto kForward = StepPart::kForward;
constexpr auto kBackward = StepPart::kBackward;

/// Steps of a size: the seconds of forward and of backward of each.
StepTimings timings_of(std::int64_t most_samples, double quantile, std::int64_t batch_size,
                       const std::vector<std::pair<double, double>>& steps) {
  StepTimings timings(most_samples, quantile);
  for (const auto& [forward_s, backward_s] : steps) {
    timings.add(batch_size, kForward, forward_s);
    timings.add(batch_size, kBackward, backward_s);
  }
  return timings;
}

TEST_CASE("parts that vary each on its own are scaled to the quantile of whole steps",
          "[executor]") {
  // Lower quartiles 1 and 2, but every step has one of the parts slow.
  const StepTimings timings = timings_of(8, 0.25, 8, {{1, 3}, {2, 2}, {1, 3}, {2, 2}, {1, 3}});
  CHECK(timings.whole_to_parts(8) == Approx(4.0 / 3));
  CHECK(timings.taken_s(8, kForward) == Approx(4.0 / 3));
  CHECK(timings.taken_s(8, kBackward) == Approx(8.0 / 3));
  CHECK(timings.quantile_s(8, {5, 5, 5, 5, 5}) == 5);
}

TEST_CASE("parts that vary together are what their own quantiles say", "[executor]") {
  const StepTimings timings = timings_of(8, 0.25, 8, {{1, 2}, {2, 4}, {3, 6}, {4, 8}, {5, 10}});
  CHECK(timings.whole_to_parts(8) == Approx(1));
  CHECK(timings.taken_s(8, kForward) == Approx(2));
  CHECK(timings.taken_s(8, kBackward) == Approx(4));
}

TEST_CASE("a repeat of a small size is the mean of as many samples' steps", "[executor]") {
  // Of 4 samples where the largest size is 8: two steps a repeat, the last left without another.
  const StepTimings timings = timings_of(8, 0, 4, {{1, 1}, {3, 3}, {1.5, 2}, {1.5, 2}, {0, 0}});
  CHECK(timings.taken_s(4, kForward) + timings.taken_s(4, kBackward) == Approx(3.5));
  CHECK(timings.whole_to_parts(4) == Approx(1));
}

TEST_CASE("parts that take no time stay at none", "[executor]") {
  const StepTimings timings = timings_of(4, 0.5, 4, {{0, 0}, {0, 0}});
  CHECK(timings.taken_s(4, kForward) == 0);
}

}  // namespace
}  // namespace cadastre
