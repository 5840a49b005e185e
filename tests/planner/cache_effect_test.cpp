#include "planner/cache_effect.h"

#include "tests/support/catch.h"

namespace cadastre {

using Catch::WithinRel;

TEST_CASE("backward takes longer in proportion to what others kept, up to a bound", "[planner]") {
  const CacheEffect effect{.backward_ratio = 1.5, .bytes = 1000};
  CHECK(backward_ratio(effect, 0) == 1);
  CHECK(backward_ratio(effect, 250) == 1.125);
  CHECK(backward_ratio(effect, 1000) == 1.5);
  CHECK(backward_ratio(effect, 5000) == 1.5);
  CHECK(backward_ratio({}, 5000) == 1);
}

TEST_CASE("an effect is found again from what it did", "[planner]") {
  const CacheEffect effect{.backward_ratio = 1.25, .bytes = 4000};
  std::vector<BackwardBeside> measured;
  for (const double bytes : {1000.0, 2000.0, 3000.0, 8000.0, 16000.0})
    measured.push_back({.bytes_beside = bytes, .ratio = backward_ratio(effect, bytes)});
  const CacheEffect found = fit_cache_effect(measured);
  CHECK_THAT(found.backward_ratio, WithinRel(effect.backward_ratio, 1e-9));
  CHECK_THAT(found.bytes, WithinRel(effect.bytes, 1e-9));
}

TEST_CASE("an effect never goes beyond what was measured, nor below none", "[planner]") {
  CHECK(fit_cache_effect({}) == CacheEffect{});
  // Of a network that keeps nothing.
  CHECK(fit_cache_effect({{.bytes_beside = 0, .ratio = 1.5}}) == CacheEffect{});
  CHECK(fit_cache_effect({{.bytes_beside = 10, .ratio = 0.9},
                          {.bytes_beside = 20, .ratio = 0.95}}) == CacheEffect{});
  const CacheEffect of_one = fit_cache_effect({{.bytes_beside = 10, .ratio = 1.2}});
  CHECK_THAT(of_one.backward_ratio, WithinRel(1.2, 1e-12));
  CHECK(of_one.bytes == 10);
  // In proportion to bytes all the way: the bound is the last measurement.
  const CacheEffect rising =
      fit_cache_effect({{.bytes_beside = 10, .ratio = 1.1}, {.bytes_beside = 40, .ratio = 1.4}});
  CHECK_THAT(rising.bytes, WithinRel(40, 1e-9));
  CHECK_THAT(rising.backward_ratio, WithinRel(1.4, 1e-9));
}

}  // namespace cadastre
