#include "executor/probe/speed_over_time.h"

#include <stdexcept>

#include "tests/support/catch.h"

namespace cadastre {
namespace {

using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

TEST_CASE("a host whose passes differ alone varies little from step to step", "[executor]") {
  // A slow pass after every fast one: windows of ten are alike.
  std::vector<double> pass_s;
  for (int i = 0; i < 200; ++i) pass_s.push_back(i % 2 == 0 ? 0.005 : 0.0151);
  const SpeedOverTime over_time = speed_over_time(pass_s);
  REQUIRE(over_time.spread);
  CHECK_THAT(*over_time.spread, WithinAbs(0, 1e-9));
  CHECK_THAT(over_time.pass.median_s, WithinRel((0.005 + 0.0151) / 2, 1e-9));
  CHECK_THAT(over_time.pass.spread_s, WithinAbs(0.0151 - 0.005, 1e-9));
}

TEST_CASE("a host that is slow for a while varies by the quartiles of its speed", "[executor]") {
  // Windows of passes of 0.05 s (20 a second) and of 0.1 s (10 a second), as many of each: the
  // quartiles are 10 and 20, the median 15.
  std::vector<double> pass_s;
  for (int window = 0; window < 20; ++window)
    pass_s.insert(pass_s.end(), window % 2 == 0 ? 2 : 1, window % 2 == 0 ? 0.05 : 0.1);
  const SpeedOverTime over_time = speed_over_time(pass_s);
  REQUIRE(over_time.spread);
  CHECK_THAT(*over_time.spread, WithinAbs(10.0 / 15, 1e-9));
  CHECK_THAT(over_time.pass.median_s, WithinRel(1.0 / 15, 1e-9));
}

TEST_CASE("a host that is slow most of the time is slow, whatever most passes took", "[executor]") {
  for (const double quick_s : {0.01, 0.125}) {
    // A second of quick passes, then two of passes that take four times as long.
    std::vector<double> pass_s;
    for (int i = 0; i < 5; ++i) {
      pass_s.insert(pass_s.end(), static_cast<std::size_t>(1 / quick_s), quick_s);
      pass_s.insert(pass_s.end(), static_cast<std::size_t>(0.5 / quick_s), 4 * quick_s);
    }
    const SpeedOverTime over_time = speed_over_time(pass_s);
    CHECK_THAT(over_time.pass.median_s, WithinRel(4 * quick_s, 1e-9));
    REQUIRE(over_time.spread);
    CHECK_THAT(*over_time.spread, WithinRel(3, 1e-9));
  }
}

TEST_CASE("few passes say nothing of how a host varies", "[executor]") {
  CHECK_THROWS_AS(speed_over_time({}), std::invalid_argument);
  CHECK_FALSE(speed_over_time(std::vector<double>(7, 0.2)).spread);
  CHECK_FALSE(speed_over_time(std::vector<double>(100, 0.001)).spread);
  CHECK(speed_over_time(std::vector<double>(8, 0.2)).spread == 0.0);
  for (const std::size_t count : {std::size_t{50}, std::size_t{100}})
    CHECK_THAT(speed_over_time(std::vector<double>(count, 0.001)).pass.median_s,
               WithinRel(0.001, 1e-9));
}

}  // namespace
}  // namespace cadastre
