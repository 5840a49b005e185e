#include "planner/rehearsal.h"

#include "planner/error.h"
#include "planner/failure_detection.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

using Catch::WithinRel;
using Kind = HostFailure::Kind;

/// Steps of 1 s, checkpoints of 0.25 s after every fourth that are safe 0.5 s later.
RehearsedPlan four_hosts() {
  return {.plan = "four",
          .hosts = {"a", "b", "c", "d"},
          .step_s = 1,
          .checkpoint_every = 4,
          .checkpoint_s = 0.25,
          .send_s = 0.5,
          .reload_s = 2};
}

RehearsedPlan three_hosts() {
  RehearsedPlan plan = four_hosts();
  plan.plan = "three";
  plan.hosts = {"a", "b", "c"};
  plan.step_s = 1.5;
  return plan;
}

Rehearsal rehearsed(const std::vector<HostFailure>& failures) {
  return rehearse(12, four_hosts(), failures, 3,
                  [](const std::vector<std::string>&) { return three_hosts(); });
}

TEST_CASE("without failures a rehearsal is the steps and their checkpoints", "[planner]") {
  const Rehearsal rehearsal = rehearsed({});
  CHECK(rehearsal.undisturbed_s == 12 + 2 * 0.25);  // none after the last step
  CHECK(rehearsal.total_s == rehearsal.undisturbed_s);
}

TEST_CASE("a failure costs detection, restart, reload and the work since the last checkpoint",
          "[planner]") {
  // Six steps and a checkpoint by 6.25 s; the seventh is under way.
  const Rehearsal rehearsal = rehearsed({{.host = "d", .at_s = 7, .kind = Kind::kDead}});
  REQUIRE(rehearsal.failures.size() == 1);
  const RehearsedFailure& cost = rehearsal.failures[0];
  CHECK(cost.num_steps == 6);
  CHECK(cost.went_on_from == 4);
  CHECK(cost.lost_s == 2);
  CHECK(cost.noticed_s == 7 + kDeadRankNoticedS);
  CHECK(cost.resumed_s == 7 + kDeadRankNoticedS + 3 + 2);
  // Eight steps of the smaller plan, a checkpoint after the eighth of all.
  CHECK_THAT(rehearsal.total_s, WithinRel(cost.resumed_s + 8 * 1.5 + 0.25));
  const Rehearsal silent = rehearsed({{.host = "d", .at_s = 7, .kind = Kind::kSilent}});
  CHECK_THAT(silent.total_s - rehearsal.total_s,
             WithinRel(kSilentRankNoticedS - kDeadRankNoticedS));
}

TEST_CASE("a checkpoint on its way is not gone on from", "[planner]") {
  CHECK(rehearsed({{.host = "d", .at_s = 4.7}}).failures[0].went_on_from == 0);
  CHECK(rehearsed({{.host = "d", .at_s = 4.76}}).failures[0].went_on_from == 4);
}

TEST_CASE("failures of hosts that are not in use, or after the end, cost nothing", "[planner]") {
  CHECK(rehearsed({{.host = "e", .at_s = 7}, {.host = "a", .at_s = 12.5}}).total_s == 12.5);
  const Rehearsal twice = rehearsed({{.host = "d", .at_s = 7}, {.host = "d", .at_s = 14}});
  CHECK(twice.total_s == rehearsed({{.host = "d", .at_s = 7}}).total_s);
  CHECK_FALSE(twice.failures[1].was_in_use);
}

TEST_CASE("a failure while the last is dealt with begins that anew", "[planner]") {
  const Rehearsal rehearsal = rehearsed({{.host = "d", .at_s = 7}, {.host = "c", .at_s = 10}});
  CHECK(rehearsal.failures[1].went_on_from == 4);
  CHECK(rehearsal.failures[1].lost_s == 0);
  CHECK(rehearsal.failures[1].resumed_s == 10 + kDeadRankNoticedS + 3 + 2);
}

TEST_CASE("failures are read from HOST@TIME", "[planner]") {
  CHECK(host_failure_from("lab2@90") == HostFailure{.host = "lab2", .at_s = 90});
  CHECK(host_failure_from("a@b@1.5h=frozen") ==
        HostFailure{.host = "a@b", .at_s = 5400, .kind = Kind::kSilent});
  for (const char* text : {"lab2", "@3", "lab2@", "lab2@3=ill", "lab2@-1", "lab2@soon"}) {
    INFO(text);
    CHECK_THROWS_AS(host_failure_from(text), InputError);
  }
}

}  // namespace
}  // namespace cadastre
