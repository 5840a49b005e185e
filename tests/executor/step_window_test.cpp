#include "executor/step_window.h"

#include "planner/lowering.h"
#include "tests/support/catch.h"
#include "tests/support/worlds.h"

namespace cadastre {
namespace {

std::vector<TimelineEvent> one_event(int rank, double start_s, double end_s) {
  return {{.rank = rank,
           .kind = InstructionKind::kForward,
           .stage = 3,
           .micro_batch = 0,
           .start_s = start_s,
           .end_s = end_s,
           .bytes = 12}};
}

TEST_CASE("a window of steps comes back from its text", "[executor]") {
  StepWindow window;
  window.traffic_bytes_per_step = 4096;
  window.add(3, one_event(1, 1000.125, 1000.1 + 1e-7));
  window.add(4, {});
  window.use = {.num_steps = 9,
                .seconds = 1.5,
                .counts = {.cpu_s = 0.75, .sent_bytes = 1 << 20, .received_bytes = 7},
                .cores = 0.5};
  const StepWindow read = step_window_from(encode(window));
  CHECK(read.traffic_bytes_per_step == 4096);
  CHECK(read.steps == window.steps);
  CHECK(read.use == window.use);
}

TEST_CASE("a rank remembers at most 64 steps, spread evenly over the run", "[executor]") {
  StepWindow window;
  for (std::int64_t step = 0; step < 1000; ++step) {
    window.add(step, {});
    REQUIRE(window.steps.size() <= 64);
  }
  // 1,000 steps by every 16th: 0, 16, … 992.
  CHECK(window.steps.size() == 63);
  CHECK(window.steps.begin()->first == 0);
  CHECK(window.steps.rbegin()->first == 992);
}

TEST_CASE("the step of median duration is the measured timeline", "[executor]") {
  const PlanDocument document = worlds::two_stage_document();
  const Program program = lower(document.plan, document.profile.model, document.cluster);
  // Durations of steps 1, 2, 3: 5, 1, 2 s; the first step has none.
  const std::vector<double> step_ends_s = {100, 105, 106, 108};
  std::vector<StepWindow> windows(2);
  for (int rank = 0; rank < 2; ++rank)
    for (std::int64_t step = 0; step < 4; ++step) {
      const double end_s = step_ends_s[static_cast<std::size_t>(step)];
      windows[static_cast<std::size_t>(rank)].add(
          step, one_event(rank, end_s - 1 + 0.25 * rank, end_s - 0.25 * rank));
    }
  const Timeline timeline = typical_step(program, windows, step_ends_s);
  CHECK(timeline.source == "measured");
  CHECK(timeline.step_s == 2);
  CHECK(timeline.ranks.size() == 2);
  // Of step 3, since its earliest event.
  std::vector<TimelineEvent> expected = one_event(0, 0, 1);
  expected.push_back(one_event(1, 0.25, 0.75).front());
  CHECK(timeline.events == expected);
  CHECK(typical_step(program, windows, step_ends_s, 0).step_s == 1);
  CHECK(typical_step(program, windows, step_ends_s, 1).step_s == 5);
}

TEST_CASE("of a single step the timeline is that step", "[executor]") {
  const PlanDocument document = worlds::two_stage_document();
  const Program program = lower(document.plan, document.profile.model, document.cluster);
  std::vector<StepWindow> windows(2);
  windows[0].add(0, one_event(0, 7, 8));
  windows[1].add(0, one_event(1, 7, 8));
  CHECK(typical_step(program, windows, {8}).events.size() == 2);
}

}  // namespace
}  // namespace cadastre
