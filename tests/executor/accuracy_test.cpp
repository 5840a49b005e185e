#include "executor/accuracy.h"

#include "tests/support/catch.h"

namespace cadastre {
namespace {

TEST_CASE("accuracy metrics equal those worked out by hand", "[executor]") {
  // reference \ predicted   A   B   C | sum
  //                     A  45   3   2 |  50
  //                     B   5  20   5 |  30
  //                     C   0   4  16 |  20
  //                   sum  50  27  23 | 100
  const Metrics metrics = accuracy_metrics({"A", "B", "C"}, {{45, 3, 2}, {5, 20, 5}, {0, 4, 16}});

  CHECK_THAT(metrics.overall_accuracy, WithinRel(0.81, 1e-12));  // (45 + 20 + 16) / 100
  CHECK_THAT(metrics.average_accuracy, WithinRel((0.9 + 20.0 / 30 + 0.8) / 3, 1e-12));
  // by chance: 0.5 · 0.5 + 0.3 · 0.27 + 0.2 · 0.23 = 0.377; kappa = (0.81 - 0.377) / (1 - 0.377)
  CHECK_THAT(metrics.kappa, WithinRel(0.433 / 0.623, 1e-12));
  REQUIRE(metrics.classes.size() == 3);
  CHECK(metrics.classes[1].name == "B");
  CHECK(metrics.classes[1].num_samples == 30);
  CHECK_THAT(metrics.classes[1].precision, WithinRel(20.0 / 27, 1e-12));
  CHECK_THAT(metrics.classes[1].recall, WithinRel(20.0 / 30, 1e-12));
  CHECK_THAT(metrics.classes[1].f1, WithinRel(2.0 * 20 / (27 + 30), 1e-12));
  CHECK(metrics.confusion[2] == std::vector<std::int64_t>{0, 4, 16});
}

TEST_CASE("a class without reference samples counts in no average", "[executor]") {
  const Metrics metrics = accuracy_metrics({"A", "B", "C"}, {{8, 2, 0}, {0, 6, 4}, {0, 0, 0}});
  CHECK_THAT(metrics.average_accuracy, WithinRel((0.8 + 0.6) / 2, 1e-12));
  CHECK(metrics.classes[2].recall == 0);
  CHECK(metrics.classes[2].precision == 0);
  CHECK(metrics.classes[2].num_samples == 0);
}

TEST_CASE("kappa is negative when agreement is less than by chance", "[executor]") {
  // overall 2/10; by chance 0.5 · 0.5 + 0.5 · 0.5; kappa = (0.2 - 0.5) / 0.5
  CHECK_THAT(accuracy_metrics({"A", "B"}, {{1, 4}, {4, 1}}).kappa, WithinRel(-0.6, 1e-12));
}

TEST_CASE("kappa of a matrix with one class is 0", "[executor]") {
  const Metrics metrics = accuracy_metrics({"A", "B"}, {{7, 0}, {0, 0}});
  CHECK(metrics.overall_accuracy == 1);
  CHECK(metrics.kappa == 0);
}

TEST_CASE("metrics without any sample are 0, not undefined", "[executor]") {
  const Metrics metrics = accuracy_metrics({"A", "B"}, {{0, 0}, {0, 0}});
  CHECK(metrics.overall_accuracy == 0);
  CHECK(metrics.average_accuracy == 0);
  CHECK(metrics.kappa == 0);
}

}  // namespace
}  // namespace cadastre
