#include "planner/fidelity/difference.h"

#include "planner/cost_model.h"
#include "planner/lowering.h"
#include "planner/program.h"
#include "planner/program_costs.h"
#include "tests/support/catch.h"
#include "tests/support/worlds.h"

namespace cadastre {
namespace {

struct World {
  PlanDocument document = worlds::two_stage_document();
  Timeline timeline;

  World() {
    const Program program = lower(document.plan, document.profile.model, document.cluster);
    timeline =
        evaluate(program, program_costs(program, document.plan, document.profile, document.cluster),
                 document.cluster);
  }

  [[nodiscard]] const ModelGraph& model() const { return document.profile.model; }
};

TEST_CASE("steps that are alike have nothing to explain", "[planner]") {
  const World world;
  CHECK(explain_difference(world.timeline, world.timeline, world.model()) ==
        "the timelines do not differ");
}

TEST_CASE("a pass that took longer is named with its stage and host", "[planner]") {
  const World world;
  Timeline slower = world.timeline;
  for (TimelineEvent& event : slower.events)
    if (event.rank == 1 && event.kind == InstructionKind::kBackward) event.end_s += 0.25;
  CHECK_THAT(explain_difference(slower, world.timeline, world.model()),
             Catch::StartsWith("the backward passes of stage 1 on node2 took "));
}

TEST_CASE("a transfer that took longer says what it shared a link with", "[planner]") {
  Timeline alone{.source = "simulated", .step_s = 2};
  alone.ranks = {{.host = "a", .parts = {}}, {.host = "b", .parts = {}}};
  const auto event = [](int rank, InstructionKind kind, int stage, double start_s, double end_s) {
    return TimelineEvent{.rank = rank,
                         .kind = kind,
                         .stage = stage,
                         .micro_batch = 0,
                         .layer = 0,
                         .peer = 1 - rank,
                         .start_s = start_s,
                         .end_s = end_s,
                         .bytes = 2'000'000};
  };
  alone.events = {event(0, InstructionKind::kSendActivation, 0, 0, 0),
                  event(1, InstructionKind::kReceiveActivation, 1, 0, 1)};
  Timeline slower = alone;
  slower.events[1].end_s = 1.5;
  const World world;
  CHECK(explain_difference(slower, alone, world.model()) ==
        "activations of layer0 from a kept b waiting for 1500.0 ms, not 1000.0: 2.00 MB at 1 MB/s, "
        "alone on its links");
  for (Timeline* timeline : {&alone, &slower}) {
    timeline->events.push_back(event(1, InstructionKind::kStartReduction, 2, 0, 0));
    timeline->events.push_back(event(1, InstructionKind::kReduceGradients, 2, 0.5, 1.5));
  }
  CHECK_THAT(explain_difference(slower, alone, world.model()),
             Catch::EndsWith(": it shared a link with the all-reduce of stage 2"));
}

TEST_CASE("what goes by between instructions is named, too", "[planner]") {
  const World world;
  Timeline longer = world.timeline;
  longer.step_s += 0.5;
  CHECK_THAT(explain_difference(longer, world.timeline, world.model()),
             Catch::Contains("step went by between its instructions"));
}

}  // namespace
}  // namespace cadastre
