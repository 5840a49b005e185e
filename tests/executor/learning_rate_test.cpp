#include "executor/learning_rate.h"

#include "tests/support/catch.h"

namespace cadastre {
namespace {

TEST_CASE("the learning rate warms up over a tenth and falls as half a cosine", "[executor]") {
  // 40 steps: 4 of warm-up to 1/5 … 4/5 of the peak, then 36 down.
  CHECK(learning_rate(0.5, 0, 40) == Approx(0.5 * 1 / 5));
  CHECK(learning_rate(0.5, 3, 40) == Approx(0.5 * 4 / 5));
  CHECK(learning_rate(0.5, 4, 40) == Approx(0.5));
  // A third of the way down the cosine is 1/2: 0.5 (1 + 1/2) = 3/4 of the peak.
  CHECK(learning_rate(0.5, 4 + 12, 40) == Approx(0.5 * 0.75));
  CHECK(learning_rate(0.5, 4 + 18, 40) == Approx(0.5 * 0.5));
  CHECK(learning_rate(0.5, 4 + 24, 40) == Approx(0.5 * 0.25));
}

TEST_CASE("the warm-up has at most 100 steps", "[executor]") {
  CHECK(learning_rate(1, 99, 2100) == Approx(100.0 / 101));
  CHECK(learning_rate(1, 100, 2100) == Approx(1));
  CHECK(learning_rate(1, 1100, 2100) == Approx(0.5));
}

TEST_CASE("a training of a few steps has no warm-up", "[executor]") {
  CHECK(learning_rate(1, 0, 1) == Approx(1));
  CHECK(learning_rate(1, 0, 9) == Approx(1));
  CHECK(learning_rate(1, 0, 10) == Approx(0.5));
}

}  // namespace
}  // namespace cadastre
