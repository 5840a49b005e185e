#include "executor/probe/speed_spread.h"

#include "tests/support/catch.h"

namespace cadastre {
namespace {

using Catch::Matchers::WithinAbs;

TEST_CASE("a host whose passes differ alone varies little from step to step", "[executor]") {
  // A slow pass after every fast one: windows of ten are alike.
  std::vector<double> pass_s;
  for (int i = 0; i < 200; ++i) pass_s.push_back(i % 2 == 0 ? 0.005 : 0.0151);
  REQUIRE(speed_spread(pass_s));
  CHECK_THAT(*speed_spread(pass_s), WithinAbs(0, 1e-9));
}

TEST_CASE("a host that is slow for a while varies by the quartiles of its speed", "[executor]") {
  // Windows of passes of 0.05 s (20 a second) and of 0.1 s (10 a second), as many of each: the
  // quartiles are 10 and 20, the median 15.
  std::vector<double> pass_s;
  for (int window = 0; window < 20; ++window)
    pass_s.insert(pass_s.end(), window % 2 == 0 ? 2 : 1, window % 2 == 0 ? 0.05 : 0.1);
  REQUIRE(speed_spread(pass_s));
  CHECK_THAT(*speed_spread(pass_s), WithinAbs(10.0 / 15, 1e-9));
}

TEST_CASE("few passes say nothing of how a host varies", "[executor]") {
  CHECK_FALSE(speed_spread({}));
  CHECK_FALSE(speed_spread(std::vector<double>(7, 0.2)));
  CHECK_FALSE(speed_spread(std::vector<double>(100, 0.001)));
  CHECK(speed_spread(std::vector<double>(8, 0.2)) == 0.0);
}

}  // namespace
}  // namespace cadastre
