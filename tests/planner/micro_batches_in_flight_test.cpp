#include "planner/micro_batches_in_flight.h"

#include "planner/lowering.h"
#include "planner/program_costs.h"
#include "tests/support/catch.h"
#include "tests/support/worlds.h"

namespace cadastre {
namespace {

using namespace worlds;

/// Of a rank's backward passes, in micro-batches' worth: each forward keeps 1.
std::vector<double> beside(const RankProgram& rank) {
  MicroBatchesInFlight in_flight(rank, 2);
  std::vector<double> kept;
  for (const Instruction& instruction : rank.instructions) {
    // Layers of a stage that fill a bucket each.
    const double pass = instruction.bucket < 0 ? 1 : 0.5;
    const double found = in_flight.bytes_beside(instruction, pass);
    if (instruction.kind == InstructionKind::kBackward)
      kept.push_back(found);
    else
      CHECK(found == 0);
  }
  return kept;
}

std::vector<double> beside(const Plan& plan, const ModelGraph& model, std::size_t rank) {
  return beside(lower(plan, model, two_hosts()).ranks[rank]);
}

TEST_CASE("in 1F1B, a stage's backward is beside as many as stages follow", "[planner]") {
  const ModelGraph model = chain_model(2);
  const Plan plan = pipeline(model, two_hosts(), {1, 1}, 4, 4, Schedule::kOneForwardOneBackward);
  // F0 F1 B0 F2 B1 F3 B2 B3: beside the last, the one before it passes.
  CHECK(beside(plan, model, 0) == std::vector<double>{1, 1, 1, 1});
  // F0 B0 F1 B1 …
  CHECK(beside(plan, model, 1) == std::vector<double>{0, 0, 0, 0});
}

TEST_CASE("in GPipe, every backward is beside all others", "[planner]") {
  const ModelGraph model = chain_model(2);
  const Plan plan = pipeline(model, two_hosts(), {1, 1}, 4, 4);
  CHECK(beside(plan, model, 0) == std::vector<double>{3, 3, 3, 3});
  CHECK(beside(plan, model, 1) == std::vector<double>{3, 3, 3, 3});
}

TEST_CASE("the pieces of a cut backward are beside what the whole is", "[planner]") {
  const ModelGraph model = wide_chain_model(2);
  const Plan once = data_parallel(model, two_hosts(), {0.5, 0.5}, 4);
  CHECK(beside(once, model, 0) == std::vector<double>{0, 0});
  Plan twice = data_parallel(model, two_hosts(), {0.5, 0.5}, 4, 2);
  twice.schedule = Schedule::kGpipe;
  // F0 F1 B0 B1.0 B1.1.
  CHECK(beside(twice, model, 0) == std::vector<double>{1, 1, 1});
}

TEST_CASE("what is recomputed is in the caches again", "[planner]") {
  const ModelGraph model = chain_model(2);
  Plan plan = pipeline(model, two_hosts(), {1, 1}, 4, 4);
  plan.stages[0].recompute = true;
  CHECK(beside(plan, model, 0) == std::vector<double>{0, 0, 0, 0});
}

TEST_CASE("a program costs more where backward finds less in the caches", "[planner]") {
  Profile profile = chain({1, 1});
  const Plan plan =
      pipeline(profile.model, two_hosts(), {1, 1}, 4, 4, Schedule::kOneForwardOneBackward);
  const Program program = lower(plan, profile.model, two_hosts());
  const ProgramCosts warm = program_costs(program, plan, profile, two_hosts());
  // A sample keeps 1,000 bytes: a half of these.
  profile.caches = {.backward_ratio = 1.5, .bytes = 2000};
  const ProgramCosts costs = program_costs(program, plan, profile, two_hosts());
  CHECK(costs.seconds[1] == warm.seconds[1]);
  for (std::size_t i = 0; i < costs.seconds[0].size(); ++i) {
    const bool is_backward = program.ranks[0].instructions[i].kind == InstructionKind::kBackward;
    CHECK(costs.seconds[0][i] == warm.seconds[0][i] * (is_backward ? 1.25 : 1));
  }
}

}  // namespace
}  // namespace cadastre
