#include "executor/launch/clock_offset.h"

#include "tests/support/catch.h"

namespace cadastre {
namespace {

TEST_CASE("without a measurement a clock is taken for one's own", "[executor]") {
  CHECK(ClockOffset().to_own_s(5) == 5);
  CHECK(ClockOffset().uncertainty_s() == 0);
}

TEST_CASE("a clock is read in the middle of the round trip, give or take half of it",
          "[executor]") {
  ClockOffset clock;
  clock.add(10, 110.5, 11);  // read at 10.5 +- 0.5: 100 ahead
  CHECK(clock.offset_s() == 100);
  CHECK(clock.uncertainty_s() == 0.5);
  CHECK(clock.to_own_s(107) == 7);
}

TEST_CASE("the surest measurements count, and of these the nearest in time", "[executor]") {
  ClockOffset clock;
  clock.add(0, 100.5, 1);        // 100 ahead, +- 0.5: not sure enough
  clock.add(10, 110.25, 10.1);   // 100.2 ahead, +- 0.05
  clock.add(20, 120.34, 20.08);  // 100.3 ahead, +- 0.04: it drifts
  CHECK(clock.uncertainty_s() == Approx(0.04));
  CHECK(clock.to_own_s(100.5) == Approx(100.5 - 100.2));
  CHECK(clock.to_own_s(112) == Approx(112 - 100.2));
  CHECK(clock.to_own_s(119) == Approx(119 - 100.3));
}

}  // namespace
}  // namespace cadastre
