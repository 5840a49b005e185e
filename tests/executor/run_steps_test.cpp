#include "executor/run_steps.h"

#include "executor/training_schedule.h"
#include "tests/support/catch.h"

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

TEST_CASE("a run that stops before has fewer steps", "[executor]") {
  RunSteps steps(1, 1, 5);
  steps.end_after(2);
  CHECK(steps.num_steps() == 2);
  steps.add(0, {.step = 2, .loss_sum = 1, .end_s = 1});
  CHECK(steps.num_complete() == 0);
}

std::int64_t num_steps(const TrainingSettings& training, std::int64_t num_samples) {
  return training_schedule(training, num_samples, 0, 32, 0).num_steps;
}

TEST_CASE("epochs have as many steps as full batches in all of them", "[executor]") {
  CHECK(num_steps({.epochs = 3}, 100) == 9);  // 300 samples
  CHECK(num_steps({.epochs = 3, .samples_per_epoch = 64}, 100) == 6);
  // No more than there are.
  CHECK(num_steps({.epochs = 1, .samples_per_epoch = 1000}, 100) == 3);
  CHECK(num_steps({.epochs = 3, .max_steps = 4}, 100) == 4);
  CHECK(num_steps({.epochs = 3, .max_steps = 40}, 100) == 9);
  // Fewer samples than a batch are enough for one step.
  CHECK(num_steps({}, 7) == 1);
  CHECK(num_steps({.epochs = 10}, 7) == 2);
}

TEST_CASE("a number of steps is the same whatever the number of samples", "[executor]") {
  CHECK(num_steps({.steps = 50}, 7) == 50);
  CHECK(num_steps({.steps = 50}, 7000) == 50);
  CHECK(training_schedule({.steps = 50, .settle_steps = 4}, 7, 0, 32, 0).total_steps() == 54);
}

TEST_CASE("weights are validated every epoch, or twenty times", "[executor]") {
  CHECK(training_schedule({.epochs = 9}, 100, 10, 32, 0).validate_every == 3);
  CHECK(training_schedule({.steps = 100}, 100, 10, 32, 0).validate_every == 5);
  CHECK(training_schedule({.steps = 100, .validate_every = 7}, 100, 10, 32, 0).validate_every == 7);
  // Where replicas agree: after a multiple of the averaging period.
  CHECK(training_schedule({.steps = 100}, 100, 10, 32, 4).validate_every == 8);
  // Without samples never; the last steps' weights are validated at the end.
  CHECK_FALSE(training_schedule({.steps = 100}, 100, 0, 32, 0).validates_after(5));
  const TrainingSchedule schedule = training_schedule({.steps = 100}, 100, 10, 32, 0);
  CHECK(schedule.validates_after(95));
  CHECK_FALSE(schedule.validates_after(96));
  CHECK_FALSE(schedule.validates_after(100));
}

}  // namespace
}  // namespace cadastre
