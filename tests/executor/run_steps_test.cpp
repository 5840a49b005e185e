#include "executor/run_steps.h"

#include "executor/rank_job.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"

namespace cadastre {
namespace {

TEST_CASE("a step is complete when every rank has ended it", "[executor]") {
  RunSteps steps(2, 10, 3);
  CHECK(steps.num_complete() == 0);
  CHECK(steps.num_steps() == 3);
  steps.add(0, {.step = 0, .loss_sum = 4, .end_s = 100.5, .busy_s = 0.2, .sent_bytes = 100});
  // The first rank runs ahead.
  steps.add(0, {.step = 1, .loss_sum = 3, .end_s = 101, .busy_s = 0.2, .sent_bytes = 10});
  CHECK(steps.num_complete() == 0);
  steps.add(1, {.step = 0, .loss_sum = 6, .end_s = 100.75, .busy_s = 0.5, .sent_bytes = 20});
  CHECK(steps.num_complete() == 1);
  CHECK(steps.loss(0) == 1);  // (4 + 6) / 10 samples
  CHECK(steps.sent_bytes(0) == 120);
  CHECK(steps.slowest_rank(0) == 1);
  steps.add(1, {.step = 1, .loss_sum = 2, .end_s = 102, .busy_s = 0.1});
  CHECK(steps.num_complete() == 2);
  CHECK(steps.loss(1) == 0.5);
  CHECK(steps.slowest_rank(1) == 0);
  CHECK(steps.end_s(1) == 102);
  CHECK(steps.ends_s() == std::vector<double>{100.75, 102});  // the later rank's
  CHECK(steps.durations_s() == std::vector<double>{1.25});
}

TEST_CASE("reports that are of no step of the run change nothing", "[executor]") {
  RunSteps steps(1, 1, 2);
  steps.add(0, {.step = -1, .loss_sum = 1, .end_s = 1});
  steps.add(0, {.step = 2, .loss_sum = 1, .end_s = 1});
  CHECK(steps.num_complete() == 0);
  CHECK(steps.ends_s().empty());
  CHECK(steps.durations_s().empty());
}

TEST_CASE("an epoch has as many steps as full batches", "[executor]") {
  CHECK(step_count({.epochs = 3}, 100, 32).per_epoch == 3);
  CHECK(step_count({.epochs = 3}, 100, 32).total == 9);
  CHECK(step_count({.epochs = 3, .samples_per_epoch = 64}, 100, 32).total == 6);
  // No more than there are.
  CHECK(step_count({.epochs = 1, .samples_per_epoch = 1000}, 100, 32).total == 3);
  CHECK(step_count({.epochs = 3, .max_steps = 4}, 100, 32).total == 4);
  CHECK(step_count({.epochs = 3, .max_steps = 40}, 100, 32).total == 9);
}

TEST_CASE("fewer training samples than a batch are refused", "[executor]") {
  CHECK(documents::refusal([] { static_cast<void>(step_count({}, 31, 32)); }) ==
        "expected at least a batch of 32 training samples an epoch, found 31");
  CHECK(documents::refusal([] {
          static_cast<void>(step_count({.samples_per_epoch = 16}, 100, 32));
        }) == "expected at least a batch of 32 training samples an epoch, found 16");
}

}  // namespace
}  // namespace cadastre
