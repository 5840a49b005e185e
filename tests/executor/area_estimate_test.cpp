#include "executor/predict/area_estimate.h"

#include "tests/support/catch.h"

namespace cadastre {
namespace {

TEST_CASE("areas and accuracies are those of the paper's example", "[executor]") {
  // Olofsson et al. 2014, tables 8 and 9: deforestation, forest gain, stable forest, stable
  // non-forest; mapped pixels, and samples by mapped class (rows there) and reference.
  const std::vector<double> mapped = {200'000, 150'000, 3'200'000, 6'450'000};
  const std::vector<std::vector<std::int64_t>> by_map = {
      {66, 0, 5, 4}, {0, 55, 8, 12}, {1, 0, 153, 11}, {2, 1, 9, 313}};
  std::vector<std::vector<std::int64_t>> confusion(4, std::vector<std::int64_t>(4));
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 4; ++j) confusion[j][i] = by_map[i][j];

  const AreaEstimates found = estimate_areas(confusion, mapped);
  REQUIRE(found.is_estimated);
  REQUIRE(found.classes.size() == 4);
  // p = 0.02 · 66 / 75 + 0.32 · 1 / 165 + 0.645 · 2 / 325 = 0.0235086.
  CHECK(found.classes[0].estimated == Approx(235'086).margin(1));
  CHECK(found.classes[0].estimated_half_width == Approx(68'418).epsilon(0.01));
  CHECK(found.overall_accuracy == Approx(0.947).margin(0.001));
  CHECK(found.overall_accuracy_half_width == Approx(0.018).margin(0.001));
  CHECK(found.classes[0].users_accuracy == Approx(0.88).margin(0.005));
  CHECK(found.classes[0].users_accuracy_half_width == Approx(0.07).margin(0.005));
  CHECK(found.classes[0].producers_accuracy == Approx(0.75).margin(0.005));
  CHECK(found.classes[0].producers_accuracy_half_width == Approx(0.21).margin(0.005));
  CHECK(found.classes[3].producers_accuracy == Approx(0.96).margin(0.005));
}

TEST_CASE("nothing is estimated from a class with a single sample", "[executor]") {
  CHECK_FALSE(estimate_areas({{1, 0}, {0, 5}}, {10, 20}).is_estimated);
}

}  // namespace
}  // namespace cadastre
