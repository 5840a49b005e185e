#include "executor/probe/way_measurement.h"

#include "tests/support/catch.h"

namespace cadastre {

using Catch::WithinRel;

TEST_CASE("a message that comes sooner than at the bandwidth went through a bucket", "[executor]") {
  // 60 KB at 6 MB/s take 10 ms; 0.2 ms of latency each way.
  constexpr double kBytes = 60e3;
  constexpr double kBytesPerS = 6e6;
  constexpr double kSmallS = 0.4e-3;
  CHECK(burst_bytes(kBytes, kSmallS + 10e-3, kSmallS, kBytesPerS) == 0);
  // Half a millisecond sooner: 3 KB.
  CHECK_THAT(burst_bytes(kBytes, kSmallS + 9.5e-3, kSmallS, kBytesPerS), WithinRel(3e3, 1e-9));
  // Sooner, or later, by what such times vary by.
  CHECK(burst_bytes(kBytes, kSmallS + 9.85e-3, kSmallS, kBytesPerS) == 0);
  CHECK(burst_bytes(kBytes, kSmallS + 12e-3, kSmallS, kBytesPerS) == 0);
  // The whole message: nothing says how much more would go.
  CHECK(burst_bytes(kBytes, 0.8 * kSmallS, kSmallS, kBytesPerS) == kBytes);
}

}  // namespace cadastre
