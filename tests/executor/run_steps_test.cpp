#include "executor/run_steps.h"

#include "executor/rank_job.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"

namespace cadastre {
namespace {

RankMessage step_message(std::int64_t step, double loss_sum, double end_s) {
  return {.kind = RankMessage::Kind::kStep,
          .step = step,
          .loss_sum = loss_sum,
          .end_s = end_s,
          .text = {}};
}

TEST_CASE("a step is complete when every rank has ended it", "[executor]") {
  RunSteps steps(2, 10, 3);
  CHECK(steps.num_complete() == 0);
  steps.add(step_message(0, 4, 100.5));
  steps.add(step_message(1, 3, 101));  // the first rank runs ahead
  CHECK(steps.num_complete() == 0);
  steps.add(step_message(0, 6, 100.75));
  CHECK(steps.num_complete() == 1);
  CHECK(steps.loss(0) == 1);  // (4 + 6) / 10 samples
  steps.add(step_message(1, 2, 102));
  CHECK(steps.num_complete() == 2);
  CHECK(steps.loss(1) == 0.5);
  CHECK(steps.ends_s() == std::vector<double>{100.75, 102});  // the later rank's
  CHECK(steps.durations_s() == std::vector<double>{1.25});
}

TEST_CASE("messages that are no step of the run change nothing", "[executor]") {
  RunSteps steps(1, 1, 2);
  steps.add(step_message(-1, 1, 1));
  steps.add(step_message(2, 1, 1));
  steps.add({.kind = RankMessage::Kind::kValue, .step = 0, .text = "x"});
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
