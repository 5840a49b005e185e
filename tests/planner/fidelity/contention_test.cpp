#include "planner/fidelity/contention.h"

#include "tests/support/catch.h"

namespace cadastre {
namespace {

using Catch::WithinRel;

TimelineEvent event(int rank, InstructionKind kind, double start_s, double end_s) {
  return {.rank = rank, .kind = kind, .start_s = start_s, .end_s = end_s};
}

constexpr auto kForward = InstructionKind::kForward;
constexpr auto kReceive = InstructionKind::kReceiveActivation;

TEST_CASE("hosts that compute at the same time use each other's machine", "[planner]") {
  Timeline step;
  step.events = {event(0, kForward, 0, 1), event(0, kForward, 1, 4),
                 event(0, InstructionKind::kSendActivation, 4, 5), event(1, kReceive, 0, 2),
                 event(1, kForward, 2, 8)};
  // Both from 2 to 4: 2 s each, of 4 and 6 s.
  const UseBeside use = mean_use_beside(step, {1, 1}, 2);
  CHECK_THAT(use.computing, WithinRel(0.4, 1e-12));
  // The first waits from 4 to 8, while the second computes, and the second from 0 to 2, while the
  // first does.
  CHECK_THAT(use.waiting, WithinRel(1, 1e-12));
  // The second has half a processor: rank 0 sees half of the other in use, rank 1 one of 1.5.
  CHECK_THAT(mean_use_beside(step, {1, 0.5}, 2).computing,
             WithinRel((2 * 0.5 + 2 * (1 / 1.5)) / 10, 1e-12));
}

TEST_CASE("hosts that wait for each other's messages let the machine rest", "[planner]") {
  Timeline step;
  step.events = {event(0, kForward, 0, 1), event(0, InstructionKind::kSendActivation, 1, 3),
                 event(1, kReceive, 0, 3), event(1, kForward, 3, 4)};
  // Of 3 s that each waits, the other computes for one.
  CHECK_THAT(mean_use_beside(step, {1, 1}, 2).waiting, WithinRel(1.0 / 3, 1e-12));
}

TEST_CASE("a host alone uses nobody's machine", "[planner]") {
  Timeline step;
  step.events = {event(0, kForward, 0, 4)};
  CHECK(mean_use_beside(step, {1}, 2) == UseBeside{});
  CHECK(mean_use_beside(step, {1}, 1) == UseBeside{});
  CHECK(mean_use_beside({}, {}, 2) == UseBeside{});
}

TEST_CASE("parts of processors add up to the whole machine", "[planner]") {
  Timeline step;
  for (int rank = 0; rank < 4; ++rank) step.events.push_back(event(rank, kForward, 0, 3));
  CHECK_THAT(mean_use_beside(step, {0.5, 0.5, 0.5, 0.5}, 2).computing, WithinRel(1, 1e-12));
}

}  // namespace
}  // namespace cadastre
