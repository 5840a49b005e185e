#include "planner/profile.h"
#include "tests/support/catch.h"

using namespace cadastre;

namespace {

/// Sizes 4, 8 and 32; backward takes ten times forward.
LayerProfile measured(double at_4, double at_8, double at_32) {
  const auto measurement = [](std::int64_t batch_size, double forward_s) {
    return Measurement{
        .batch_size = batch_size, .forward_s = forward_s, .backward_s = 10 * forward_s};
  };
  LayerProfile profile;
  profile.measurements = {measurement(4, at_4), measurement(8, at_8), measurement(32, at_32)};
  return profile;
}

}  // namespace

TEST_CASE("a layer costs what was measured at the measured sizes", "[planner]") {
  const LayerProfile layer = measured(3e-3, 5e-3, 14e-3);
  CHECK_THAT(layer_cost(layer, 4).forward_s, WithinRel(3e-3, 1e-12));
  CHECK_THAT(layer_cost(layer, 8).forward_s, WithinRel(5e-3, 1e-12));
  CHECK_THAT(layer_cost(layer, 32).forward_s, WithinRel(14e-3, 1e-12));
  CHECK_THAT(layer_cost(layer, 32).backward_s, WithinRel(140e-3, 1e-12));
}

TEST_CASE("a layer's cost is linear between the measured sizes", "[planner]") {
  const LayerProfile layer = measured(3e-3, 5e-3, 14e-3);
  // 6 is half way from 4 to 8: (3 + 5) / 2 = 4 ms.
  CHECK_THAT(layer_cost(layer, 6).forward_s, WithinRel(4e-3, 1e-12));
  // 16 is a third of the way from 8 to 32: 5 + (14 - 5) / 3 = 8 ms.
  CHECK_THAT(layer_cost(layer, 16).forward_s, WithinRel(8e-3, 1e-12));
  CHECK_THAT(layer_cost(layer, 16).backward_s, WithinRel(80e-3, 1e-12));
}

TEST_CASE("a layer's cost grows with the samples above the largest measured size", "[planner]") {
  // 64 is twice 32: 2 x 14 = 28 ms.
  CHECK_THAT(layer_cost(measured(3e-3, 5e-3, 14e-3), 64).forward_s, WithinRel(28e-3, 1e-12));
}

TEST_CASE("a layer keeps its fixed cost below the smallest measured size", "[planner]") {
  // The line through (4, 3 ms) and (8, 5 ms) has 1 ms fixed and 0.5 ms a sample: 2 cost 2 ms.
  CHECK_THAT(layer_cost(measured(3e-3, 5e-3, 14e-3), 2).forward_s, WithinRel(2e-3, 1e-12));
}

TEST_CASE("a layer's cost is at most halved with each halving of a small batch", "[planner]") {
  // The line through (4, 2 ms) and (8, 6 ms) is at 0 for 2 samples; half of 2 ms is 1 ms.
  CHECK_THAT(layer_cost(measured(2e-3, 6e-3, 24e-3), 2).forward_s, WithinRel(1e-3, 1e-12));
  CHECK_THAT(layer_cost(measured(2e-3, 6e-3, 24e-3), 1).forward_s, WithinRel(0.5e-3, 1e-12));
}

TEST_CASE("a smaller batch never costs more than the smallest measured one", "[planner]") {
  // By noise 8 samples took less than 4: the line would rise to the left.
  CHECK_THAT(layer_cost(measured(5e-3, 4e-3, 24e-3), 2).forward_s, WithinRel(5e-3, 1e-12));
}

TEST_CASE("no samples cost nothing", "[planner]") {
  CHECK(layer_cost(measured(3e-3, 5e-3, 14e-3), 0).forward_s == 0);
  CHECK(layer_cost(measured(3e-3, 5e-3, 14e-3), 0).backward_s == 0);
}

TEST_CASE("with one measured size a layer's cost is in proportion to samples", "[planner]") {
  LayerProfile layer;
  layer.measurements = {{.batch_size = 4, .forward_s = 2e-3, .backward_s = 6e-3}};
  CHECK_THAT(layer_cost(layer, 1).forward_s, WithinRel(0.5e-3, 1e-12));
  CHECK_THAT(layer_cost(layer, 3).backward_s, WithinRel(4.5e-3, 1e-12));
  CHECK_THAT(layer_cost(layer, 8).forward_s, WithinRel(4e-3, 1e-12));
}

TEST_CASE("the fit error is what leaving one size out would miss", "[planner]") {
  // Between (4, 33 ms) and (32, 154 ms), forward + backward, at 8:
  // 33 + (154 - 33) x 4 / 28 = 50.2857 ms where 55 ms was measured: 1 - 50.2857 / 55 = 0.0857143.
  CHECK_THAT(leave_one_out_error(measured(3e-3, 5e-3, 14e-3).measurements),
             WithinRel(0.0857142857142857, 1e-9));
}

TEST_CASE("the fit error is 0 on a line and with fewer than three sizes", "[planner]") {
  // 1 ms a sample: 4, 8, 32 ms.
  CHECK(leave_one_out_error(measured(4e-3, 8e-3, 32e-3).measurements) < 1e-12);
  CHECK(leave_one_out_error({{.batch_size = 1, .forward_s = 1}, {.batch_size = 2}}) == 0);
  CHECK(leave_one_out_error({}) == 0);
}
