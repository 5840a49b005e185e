#include "planner/fidelity/repeated_profile.h"

#include "tests/planner/fidelity/two_sizes.h"
#include "tests/support/catch.h"
#include "tests/support/worlds.h"

namespace cadastre {
namespace {

using Catch::WithinRel;
using test::two_sizes;

TEST_CASE("of repeated profiles each size is that of the round that is the median", "[planner]") {
  Profile first = two_sizes(1, 5);
  Profile second = two_sizes(2, 3);
  Profile third = two_sizes(7, 4);
  // Of a batch of 8: 2.5, 1.75 and 16 s.
  first.load_s_per_micro_batch = 0.5;
  first.load_s_per_sample = 0.25;
  second.load_s_per_micro_batch = 0.75;
  second.load_s_per_sample = 0.125;
  third.load_s_per_sample = 2;
  first.adamw_s_per_parameter_byte = 3;
  second.adamw_s_per_parameter_byte = 2;
  third.adamw_s_per_parameter_byte = 1;
  first.caches = {.backward_ratio = 1.5, .bytes = 10};
  second.caches = {.backward_ratio = 1.25, .bytes = 20};
  first.waits = {.forward_s = 1, .backward_s = 1, .update_s = 1, .time_constant_s = 10};
  second.waits = {.forward_s = 1, .backward_s = 0, .update_s = 0, .time_constant_s = 20};
  first.parts = {.forward_saving = 0.25, .backward_saving = 0.125, .update_saving = 0};
  second.parts = {.forward_saving = 0.125, .backward_saving = 0.25, .update_saving = 0.5};
  first.step_spread = 0.5;
  second.step_spread = 0.25;
  const Profile typical = typical_profile({first, second, third});
  for (const LayerProfile& layer : typical.layers) {
    CHECK(layer.measurements[0].forward_s == 2);
    CHECK(layer.measurements[1].backward_s == 4);
  }
  CHECK(typical.load_s_per_micro_batch == 0.5);
  CHECK(typical.load_s_per_sample == 0.25);
  CHECK(typical.adamw_s_per_parameter_byte == 2);
  CHECK(typical.step_spread == 0.25);
  CHECK(typical.caches == second.caches);
  CHECK(typical.waits == second.waits);
  CHECK(typical.parts ==
        PartEffect{.forward_saving = 0.125, .backward_saving = 0.125, .update_saving = 0});
  // Of two the mean, and so of two effects where one has none.
  const Profile of_two = typical_profile({first, third});
  CHECK(of_two.layers[0].measurements[1].forward_s == 4.5);
  CHECK(of_two.adamw_s_per_parameter_byte == 2);
  CHECK(of_two.step_spread == 0.25);
  CHECK(of_two.caches == CacheEffect{.backward_ratio = 1.25, .bytes = 10});
  CHECK(of_two.parts ==
        PartEffect{.forward_saving = 0.125, .backward_saving = 0.0625, .update_saving = 0});
  CHECK(of_two.waits ==
        WaitEffect{.forward_s = 0.5, .backward_s = 0.5, .update_s = 0.5, .time_constant_s = 10});
}

TEST_CASE("a profile between two has a part of each cost", "[planner]") {
  Profile alone = two_sizes(1, 2);
  Profile beside = two_sizes(2, 4);
  alone.loss_s_per_sample = 1;
  beside.loss_s_per_sample = 3;
  alone.average_s_per_parameter_byte = 4;
  beside.average_s_per_parameter_byte = 8;
  alone.waits = {.forward_s = 4, .backward_s = 2, .update_s = 1, .time_constant_s = 8};
  beside.waits = {.forward_s = 2, .backward_s = 2, .update_s = 0, .time_constant_s = 4};
  alone.caches = {.backward_ratio = 1.25, .bytes = 50};
  beside.caches = {.backward_ratio = 1.75, .bytes = 100};
  beside.parts = {.forward_saving = 0.5, .backward_saving = 0.25, .update_saving = 0.125};
  beside.step_spread = 0.5;
  const Profile half = between(alone, beside, {.computing = 0.5, .waiting = 0.25});
  CHECK_THAT(half.layers[1].measurements[1].forward_s, WithinRel(3, 1e-12));
  CHECK_THAT(half.loss_s_per_sample, WithinRel(2, 1e-12));
  CHECK_THAT(half.average_s_per_parameter_byte, WithinRel(6, 1e-12));
  CHECK(half.waits ==
        WaitEffect{.forward_s = 3.5, .backward_s = 2, .update_s = 0.75, .time_constant_s = 7});
  CHECK(half.parts ==
        PartEffect{.forward_saving = 0.25, .backward_saving = 0.125, .update_saving = 0.0625});
  CHECK(half.step_spread == 0.25);
  CHECK(half.caches == CacheEffect{.backward_ratio = 1.5, .bytes = 75});
  CHECK(between(alone, beside, {}) == alone);
  // Where one profile knows of no effect, it has none at the other's bytes.
  alone.caches = {};
  CHECK(between(alone, beside, {.computing = 0.5}).caches ==
        CacheEffect{.backward_ratio = 1.375, .bytes = 100});
}

TEST_CASE("of slowed processors all seconds are longer, and no ratio changes", "[planner]") {
  Profile profile = two_sizes(1, 2);
  profile.layers[0].measurements[0].forward_spread_s = 0.25;
  profile.load_s_per_sample = 1;
  profile.load_s_per_micro_batch = 2;
  profile.loss_s_per_sample = 3;
  profile.loss_s_per_micro_batch = 4;
  profile.optimizer_s_per_parameter_byte = 5;
  profile.adamw_s_per_parameter_byte = 6;
  profile.average_s_per_parameter_byte = 7;
  profile.step_spread = 0.5;
  profile.caches = {.backward_ratio = 1.25, .bytes = 50};
  profile.waits = {.forward_s = 4, .backward_s = 2, .update_s = 1, .time_constant_s = 8};
  profile.parts = {.forward_saving = 0.5, .backward_saving = 0.25, .update_saving = 0.125};
  const Profile twice = slowed(profile, 2);
  Profile expected = two_sizes(2, 4);
  expected.layers[0].measurements[0].forward_spread_s = 0.5;
  expected.load_s_per_sample = 2;
  expected.load_s_per_micro_batch = 4;
  expected.loss_s_per_sample = 6;
  expected.loss_s_per_micro_batch = 8;
  expected.optimizer_s_per_parameter_byte = 10;
  expected.adamw_s_per_parameter_byte = 12;
  expected.average_s_per_parameter_byte = 14;
  expected.step_spread = 0.5;
  expected.caches = profile.caches;
  expected.waits = {.forward_s = 8, .backward_s = 4, .update_s = 2, .time_constant_s = 8};
  expected.parts = profile.parts;
  CHECK(twice == expected);
  CHECK(slowed(profile, 1) == profile);
}

}  // namespace
}  // namespace cadastre
