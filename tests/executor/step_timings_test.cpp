#include "executor/step_timings.h"

#include <utility>

#include "tests/support/catch.h"

namespace cadastre {
namespace {

constexpr auto kForward = StepPart::kForward;
constexpr auto kBackward = StepPart::kBackward;

/// Steps of one micro-batch of 8 samples: the seconds of forward and of backward of each.
StepTimings timings_of(double quantile, const std::vector<std::pair<double, double>>& steps) {
  StepTimings timings(8, quantile);
  for (const auto& [forward_s, backward_s] : steps) {
    timings.add(kForward, forward_s);
    timings.add(kBackward, backward_s);
    timings.end_step(8);
  }
  return timings;
}

TEST_CASE("parts that vary each on its own are scaled to the quantile of whole steps",
          "[executor]") {
  // Lower quartiles 1 and 2, but every step has one of the parts slow.
  const StepTimings timings = timings_of(0.25, {{1, 3}, {2, 2}, {1, 3}, {2, 2}, {1, 3}});
  CHECK(timings.whole_to_parts(8) == Approx(4.0 / 3));
  CHECK(timings.taken_s(8, kForward) == Approx(4.0 / 3));
  CHECK(timings.taken_s(8, kBackward) == Approx(8.0 / 3));
  CHECK(timings.quantile_s({5, 4, 3, 2, 1}) == 2);
}

TEST_CASE("parts that vary together are what their own quantiles say", "[executor]") {
  const StepTimings timings = timings_of(0.25, {{1, 2}, {2, 4}, {3, 6}, {4, 8}, {5, 10}});
  CHECK(timings.whole_to_parts(8) == Approx(1));
  CHECK(timings.taken_s(8, kForward) == Approx(2));
  CHECK(timings.taken_s(8, kBackward) == Approx(4));
}

TEST_CASE("what a small micro-batch takes is a part of steps of as many samples", "[executor]") {
  // Two of 4 samples a step: the quickest of them, 1 s, is in no quick step.
  StepTimings timings(8, 0);
  for (const double step_s : {4.0, 3.5}) {
    timings.add(kForward, 1);
    timings.add(kForward, step_s - 1);
    timings.end_step(4);
  }
  CHECK(timings.num_micro_batches(4) == 2);
  CHECK(timings.num_micro_batches(3) == 2);
  CHECK(timings.taken_s(4, kForward) == 3.5);
  CHECK(timings.of_micro_batch_s(4, kForward) == 1.75);
}

TEST_CASE("steps are apart what whole ones are, whatever their parts", "[executor]") {
  // One part or the other is slow, and the sums are alike.
  CHECK(timings_of(0.25, {{1, 3}, {2, 2}, {1, 3}, {2, 2}, {1, 3}}).step_spread() == 0);
  StepTimings timings = timings_of(0.25, {{1, 1}, {1, 2}, {2, 2}, {2, 3}, {3, 3}});
  CHECK(timings.step_spread() == Approx(2.0 / 4));
  for (const double seconds : {5, 5, 5}) {
    timings.add(kForward, seconds);
    timings.end_step(4);
  }
  CHECK(timings.step_spread() == Approx(1.0 / 4));
  CHECK(StepTimings(8, 0.25).step_spread() == 0);
}

TEST_CASE("parts that take no time stay at none", "[executor]") {
  const StepTimings timings = timings_of(0.5, {{0, 0}, {0, 0}});
  CHECK(timings.taken_s(8, kForward) == 0);
  CHECK(timings.step_spread() == 0);
}

}  // namespace
}  // namespace cadastre
