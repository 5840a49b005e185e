#include "planner/part_effect.h"

#include "planner/lowering.h"
#include "planner/program_costs.h"
#include "tests/support/catch.h"
#include "tests/support/worlds.h"

namespace cadastre {
namespace {

using Catch::WithinRel;
using namespace worlds;

constexpr PartEffect kEffect{
    .forward_saving = 0.25, .backward_saving = 0.5, .update_saving = 0.125};

TEST_CASE("what a rank takes grows with its share, up to the whole network's", "[planner]") {
  const PartRatios least = part_ratios(kEffect, 0);
  CHECK(least.forward == 1);
  CHECK(least.backward == 1);
  CHECK(least.update == 1);
  CHECK(part_ratios(kEffect, 0.5).backward == 1.5);
  CHECK_THAT(part_ratios(kEffect, 1).forward, WithinRel(1 / 0.75, 1e-12));
  CHECK(part_ratios({}, 0.25).forward == 1);
}

TEST_CASE("a saving is found again from what parts took", "[planner]") {
  std::vector<PartOfNetwork> parts;
  for (const double share : {0.375, 0.625}) {
    const PartSeconds within{.forward_s = share, .backward_s = 4 * share, .update_s = 0.5};
    const auto alone_s = [&](double seconds, double saving) {
      return seconds * (1 - saving * (1 - share));
    };
    parts.push_back({.share = share,
                     .within = within,
                     .alone = {.forward_s = alone_s(within.forward_s, 0.25),
                               .backward_s = alone_s(within.backward_s, 0.5),
                               .update_s = alone_s(within.update_s, 0.125)}});
  }
  // A time that was disturbed is not averaged in.
  std::vector<PartOfNetwork> disturbed = parts;
  disturbed[0].within.forward_s *= 2;
  disturbed[1].alone = {.forward_s = 9, .backward_s = 9, .update_s = 9};
  const PartEffect found = fit_part_effect({parts, disturbed, parts});
  CHECK_THAT(found.forward_saving, WithinRel(0.25, 1e-12));
  CHECK_THAT(found.backward_saving, WithinRel(0.5, 1e-12));
  CHECK_THAT(found.update_saving, WithinRel(0.125, 1e-12));
}

TEST_CASE("parts that took longer than within the whole save nothing", "[planner]") {
  CHECK(fit_part_effect({}) == PartEffect{});
  const PartOfNetwork slower{.share = 0.5,
                             .within = {.forward_s = 1, .backward_s = 1, .update_s = 0},
                             .alone = {.forward_s = 1.25, .backward_s = 2, .update_s = 1}};
  CHECK(fit_part_effect({{slower}}) == PartEffect{});
  const PartOfNetwork nothing{
      .share = 0.25, .within = {.forward_s = 1, .backward_s = 1, .update_s = 1}, .alone = {}};
  CHECK(fit_part_effect({{nothing}}).forward_saving == kMostPartSaving);
}

/// What each kind of instruction of a rank takes in all, with the effect to without it.
double ratio_of(InstructionKind kind, const Plan& plan, const Profile& profile,
                const Cluster& cluster, std::size_t rank) {
  const Program program = lower(plan, profile.model, cluster);
  const auto sum_s = [&](const Profile& of) {
    const std::vector<double> seconds = program_costs(program, plan, of, cluster).seconds[rank];
    double sum = 0;
    for (std::size_t i = 0; i < seconds.size(); ++i)
      if (program.ranks[rank].instructions[i].kind == kind) sum += seconds[i];
    return sum;
  };
  Profile with = profile;
  with.parts = kEffect;
  return sum_s(with) / sum_s(profile);
}

TEST_CASE("hosts save by what of the network they do not hold", "[planner]") {
  Profile profile = chain({1, 2, 3, 4});
  profile.loss_s_per_sample = 0.5;
  profile.optimizer_s_per_parameter_byte = 1e-3;
  const Cluster cluster = two_hosts();
  const Plan whole = data_parallel(profile.model, cluster, {0.5, 0.5}, 8);
  for (const InstructionKind kind :
       {InstructionKind::kForward, InstructionKind::kBackward, InstructionKind::kOptimizerStep})
    CHECK_THAT(ratio_of(kind, whole, profile, cluster, 0), WithinRel(1, 1e-12));

  // Layers of equal bytes, one of four and three.
  const Plan plan = pipeline(profile.model, cluster, {1, 3}, 8, 2);
  CHECK_THAT(ratio_of(InstructionKind::kForward, plan, profile, cluster, 0),
             WithinRel(1 - 0.25 * 0.75, 1e-12));
  CHECK_THAT(ratio_of(InstructionKind::kBackward, plan, profile, cluster, 0),
             WithinRel(1 - 0.5 * 0.75, 1e-12));
  CHECK_THAT(ratio_of(InstructionKind::kForward, plan, profile, cluster, 1),
             WithinRel(1 - 0.25 * 0.25, 1e-12));
  CHECK_THAT(ratio_of(InstructionKind::kOptimizerStep, plan, profile, cluster, 1),
             WithinRel(1 - 0.125 * 0.25, 1e-12));
}

}  // namespace
}  // namespace cadastre
