#include "planner/fidelity/step_figures.h"

#include <nlohmann/json.hpp>

#include "planner/cost_model.h"
#include "planner/json_reader.h"
#include "planner/lowering.h"
#include "planner/program.h"
#include "planner/program_costs.h"
#include "tests/support/catch.h"
#include "tests/support/worlds.h"

namespace cadastre {
namespace {

using Catch::WithinAbs;
using Catch::WithinRel;

/// A rank waits for a tensor from 1 s on that is sent at 3 s and is there at 5 s; then computes for
/// 2 s. The step takes 8 s.
Timeline waiting_timeline() {
  Timeline timeline{.source = "measured", .step_s = 8};
  timeline.ranks = {{.host = "a", .parts = {}}, {.host = "b", .parts = {}}};
  timeline.events = {
      {.rank = 0, .kind = InstructionKind::kForward, .stage = 0, .end_s = 3},
      {.rank = 0,
       .kind = InstructionKind::kSendActivation,
       .stage = 0,
       .micro_batch = 0,
       .layer = 4,
       .peer = 1,
       .start_s = 3,
       .end_s = 3.5,
       .bytes = 100,
       .resident_bytes = 7},
      {.rank = 1,
       .kind = InstructionKind::kReceiveActivation,
       .stage = 1,
       .micro_batch = 0,
       .layer = 4,
       .peer = 0,
       .start_s = 1,
       .end_s = 5,
       .bytes = 100},
      {.rank = 1, .kind = InstructionKind::kForward, .stage = 1, .start_s = 5, .end_s = 7}};
  return timeline;
}

TEST_CASE("a wait is a transfer while its tensor is on the network", "[planner]") {
  const StepFigures figures = step_figures(waiting_timeline());
  CHECK(figures.step_s == 8);
  REQUIRE(figures.hosts.size() == 2);
  CHECK(figures.hosts[0].compute_s == 3);
  CHECK(figures.hosts[0].transfer_s == 0.5);  // handing it over
  CHECK(figures.hosts[0].waiting_s == 4.5);
  CHECK(figures.hosts[0].peak_memory_bytes == 7);
  CHECK(figures.hosts[1].compute_s == 2);
  CHECK(figures.hosts[1].transfer_s == 2);  // from 3 s to 5 s
  CHECK(figures.hosts[1].waiting_s == 4);   // 1 s to 3 s, and what no event takes
  REQUIRE(figures.kinds.size() == 3);
  CHECK(figures.kinds[0].kind == InstructionKind::kForward);
  CHECK(figures.kinds[0].seconds == 5);
  CHECK(figures.kinds[0].count == 2);
}

TEST_CASE("a reduction is on the network once its last rank has started it", "[planner]") {
  Timeline timeline{.source = "measured", .step_s = 6};
  timeline.ranks = {{.host = "a", .parts = {}}, {.host = "b", .parts = {}}};
  timeline.events = {
      {.rank = 0, .kind = InstructionKind::kStartReduction, .stage = 0, .start_s = 1, .end_s = 1},
      {.rank = 0, .kind = InstructionKind::kReduceGradients, .stage = 0, .start_s = 1, .end_s = 6},
      {.rank = 1, .kind = InstructionKind::kStartReduction, .stage = 0, .start_s = 4, .end_s = 4},
      {.rank = 1, .kind = InstructionKind::kReduceGradients, .stage = 0, .start_s = 4, .end_s = 6}};
  const StepFigures figures = step_figures(timeline);
  CHECK(figures.hosts[0].transfer_s == 2);
  CHECK(figures.hosts[0].waiting_s == 4);
  CHECK(figures.hosts[1].transfer_s == 2);
}

TEST_CASE("the parts of a predicted step sum to it, and agree with the cost model's", "[planner]") {
  const PlanDocument document = worlds::two_stage_document();
  const Program program = lower(document.plan, document.profile.model, document.cluster);
  const ProgramCosts costs =
      program_costs(program, document.plan, document.profile, document.cluster);
  const StepFigures figures = step_figures(evaluate(program, costs, document.cluster));
  const StepSeconds seconds = step_seconds(program, costs, NetworkCosts(document.cluster));
  CHECK_THAT(figures.step_s, WithinRel(seconds.step_s, 1e-12));
  REQUIRE(figures.hosts.size() == seconds.ranks.size());
  for (std::size_t r = 0; r < seconds.ranks.size(); ++r) {
    const HostStep& host = figures.hosts[r];
    CHECK_THAT(host.compute_s, WithinRel(seconds.ranks[r].compute_s, 1e-9));
    CHECK_THAT(host.transfer_s, WithinAbs(seconds.ranks[r].transfer_s, 1e-9));
    CHECK_THAT(host.compute_s + host.transfer_s + host.waiting_s, WithinRel(figures.step_s, 1e-9));
  }
}

TEST_CASE("figures of a step come back from JSON as they were", "[planner]") {
  StepFigures figures = step_figures(waiting_timeline());
  figures.traffic_bytes = 100;
  const nlohmann::json document = to_json(figures);
  const std::string file = "figures.json";
  CHECK(step_figures_from_json(JsonPlace(document, file, "")) == figures);
}

}  // namespace
}  // namespace cadastre
