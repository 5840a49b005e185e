#include "planner/simulation.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"

using namespace cadastre;
using documents::refusal_of;
using documents::with;
using nlohmann::json;

namespace {

Simulation sound() {
  const Timeline timeline{.source = "simulated",
                          .step_s = 0.5,
                          .ranks = {{.host = "node1", .parts = {{.stage = 0}}}},
                          .events = {{.rank = 0, .start_s = 0, .end_s = 0.5}}};
  return {.network_model = "CM02, no cross traffic",
          .cluster = "two-hosts",
          .best = 1,
          .plans = {{.strategy = "auto",
                     .micro_batches = 4,
                     .schedule = Schedule::kOneForwardOneBackward,
                     .predicted_step_s = 0.5,
                     .simulated_step_s = 0.75,
                     .traffic_bytes_per_step = 1000,
                     .timeline = timeline},
                    {.strategy = "single", .fits_memory = false, .timeline = timeline}}};
}

std::string refused(const json& document) { return refusal_of(document, simulation_from_json); }

}  // namespace

TEST_CASE("a simulation goes to JSON and back unchanged", "[planner]") {
  const Simulation simulation = sound();
  CHECK(documents::reread(to_json(simulation), simulation_from_json) == simulation);
}

TEST_CASE("an unsound simulation is refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/best", 2)) ==
        "/best: expected an integer from 0 to 1, found 2");
  CHECK(refused(with(to_json(sound()), "/plans", json::array())) ==
        "/plans: expected an array of at least 1, found an array of 0");
  CHECK(refused(with(to_json(sound()), "/plans/0/simulated_step_s", -1)) ==
        "/plans/0/simulated_step_s: expected a number >= 0, found -1");
  CHECK(refused(with(to_json(sound()), "/plans/1/timeline/events/0/rank", 1)) ==
        "/plans/1/timeline/events/0/rank: expected an integer from 0 to 0, found 1");
  CHECK(refused(with(to_json(sound()), "/plans/0/strategies", "x")) ==
        "/plans/0/strategies: expected no such key, did you mean \"strategy\"?");
}
