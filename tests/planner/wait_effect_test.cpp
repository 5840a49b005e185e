#include "planner/wait_effect.h"

#include <cmath>

#include "planner/lowering.h"
#include "planner/program_costs.h"
#include "planner/rank_waits.h"
#include "tests/support/catch.h"
#include "tests/support/worlds.h"

namespace cadastre {
namespace {

using namespace worlds;

LongerAfterWaiting after(double waited_s, double forward_s, double backward_s, double update_s) {
  return {
      .waited_s = waited_s, .forward_s = forward_s, .backward_s = backward_s, .update_s = update_s};
}

/// What would be measured after waiting for so long.
LongerAfterWaiting lost(const WaitEffect& effect, double waited_s) {
  const double part = part_lost(waited_s, effect.time_constant_s);
  return after(waited_s, part * effect.forward_s, part * effect.backward_s, part * effect.update_s);
}

TEST_CASE("what waiting costs grows to its most with the time constant", "[planner]") {
  CHECK(part_lost(0, 0.02) == 0);
  CHECK(part_lost(0.02, 0.02) == Approx(1 - std::exp(-1)));
  CHECK(part_lost(10, 0.02) == Approx(1));
}

TEST_CASE("a wait effect is fitted to what passes took longer", "[planner]") {
  const WaitEffect truth{
      .forward_s = 2e-3, .backward_s = 1e-3, .update_s = 0.5e-3, .time_constant_s = 0.025};
  const WaitEffect fitted =
      fit_wait_effect({lost(truth, 0.01), lost(truth, 0.03), lost(truth, 0.1)});
  CHECK(fitted.forward_s == Approx(2e-3).epsilon(0.02));
  CHECK(fitted.backward_s == Approx(1e-3).epsilon(0.02));
  CHECK(fitted.update_s == Approx(0.5e-3).epsilon(0.02));
  CHECK(fitted.time_constant_s == Approx(0.025).epsilon(0.06));
}

TEST_CASE("nothing that took longer after waiting is no effect", "[planner]") {
  CHECK(fit_wait_effect({}) == WaitEffect{});
  CHECK(fit_wait_effect({after(0.01, -1e-4, 0, -1e-5), after(0.1, 0, -1e-3, 0)}) == WaitEffect{});
  // Of what was measured without a wait, nothing can be told.
  CHECK(fit_wait_effect({after(0, 1, 1, 1)}) == WaitEffect{});
  const WaitEffect forward_alone =
      fit_wait_effect({after(0.01, 1e-3, -1e-3, 0), after(0.1, 2e-3, -1e-3, 0)});
  CHECK(forward_alone.forward_s > 1e-3);
  CHECK(forward_alone.backward_s == 0);
  CHECK(forward_alone.update_s == 0);
}

TEST_CASE("one wait makes the next of each kind longer, once", "[planner]") {
  constexpr double kConstant = 0.5;
  const ProgramCosts costs{.seconds = {{1, 2, 1, 4, 4}},
                           .after_waiting_s = {{0.25, 0.5, 0.25, 0.125, 0.125}},
                           .wait_constant_s = kConstant};
  const Instruction forward{.kind = InstructionKind::kForward};
  const Instruction update{.kind = InstructionKind::kOptimizerStep};
  RankWaits waits;
  CHECK(waits.compute_s(costs, 0, 0, forward) == 1);
  waits.wait(kConstant);
  const double part = 1 - std::exp(-1);
  CHECK(waits.compute_s(costs, 0, 1, update) == Approx(2 + 0.5 * part));
  CHECK(waits.compute_s(costs, 0, 2, forward) == Approx(1 + 0.25 * part));
  CHECK(waits.compute_s(costs, 0, 2, forward) == 1);
  // A backward that is cut pays for each of its parts.
  Instruction backward{.kind = InstructionKind::kBackward};
  backward.bucket = 0;
  CHECK(waits.compute_s(costs, 0, 3, backward) == Approx(4 + 0.125 * part));
  backward.bucket = 1;
  CHECK(waits.compute_s(costs, 0, 4, backward) == Approx(4 + 0.125 * part));
  backward.bucket = 0;
  CHECK(waits.compute_s(costs, 0, 3, backward) == 4);
}

TEST_CASE("stages lose their parts of what the network loses", "[planner]") {
  Profile profile = chain({1, 3});
  profile.waits = {.forward_s = 0.5, .backward_s = 0.25, .update_s = 2, .time_constant_s = 0.1};
  const Cluster cluster = two_hosts();
  const Plan plan = pipeline(profile.model, cluster, {1, 1}, 8, 2);
  const Program program = lower(plan, profile.model, cluster);
  const ProgramCosts costs = program_costs(program, plan, profile, cluster);
  CHECK(costs.wait_constant_s == 0.1);
  for (std::size_t r = 0; r < program.ranks.size(); ++r)
    for (std::size_t i = 0; i < program.ranks[r].instructions.size(); ++i) {
      const double part = r == 0 ? 0.25 : 0.75;
      const double longer_s = costs.after_waiting_s[r][i];
      switch (program.ranks[r].instructions[i].kind) {
        case InstructionKind::kForward:
          CHECK(longer_s == Approx(part * 0.5));
          break;
        case InstructionKind::kBackward:
          CHECK(longer_s == Approx(part * 0.25));
          break;
        case InstructionKind::kOptimizerStep:
          CHECK(longer_s == (costs.seconds[r][i] > 0 ? Approx(1) : Approx(0)));
          break;
        default:
          CHECK(longer_s == 0);
      }
    }
  profile.waits = {};
  CHECK(program_costs(program, plan, profile, cluster).after_waiting_s.empty());
}

}  // namespace
}  // namespace cadastre
