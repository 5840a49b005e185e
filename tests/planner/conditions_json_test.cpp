#include <nlohmann/json.hpp>
#include <string>

#include "planner/conditions.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"

using namespace cadastre;
using documents::refusal_of;
using documents::with;
using documents::without;
using nlohmann::json;

namespace {

Conditions sound() {
  return {
      .num_steps = 40,
      .jitter = Jitter{.seed = 7,
                       .relative_spread = 0.125,
                       .between_steps =
                           StepVariation{.correlation_steps = 2.5,
                                         .spreads = {{.resource = {.host = "a"}, .spread = 0.5},
                                                     {.resource = {.link = "b"}, .spread = 0}}}},
      .background_traffic =
          {{.from = "a", .to = "b", .bandwidth_bytes_per_s = 5e6, .from_s = 1, .until_s = 2.5}},
      .slowdowns = {{.resource = {.host = "a"},
                     .profile = {{.at_s = 0.5, .factor = 0.25}, {.at_s = 1, .factor = 1}},
                     .every_s = 2},
                    {.resource = {.link = "b"}, .profile = {{.at_s = 0, .factor = 0.5}}}},
      .failures = {{.resource = {.host = "b"}, .at_s = 3, .back_after_s = 10},
                   {.resource = {.link = "a"}, .at_s = 4}},
      .recovery = {
          .checkpoint_every_steps = 10, .checkpoint_s = 0.5, .detection_s = 5, .restart_s = 20}};
}

std::string refused(const json& document) { return refusal_of(document, conditions_from_json); }

}  // namespace

TEST_CASE("conditions go to JSON and back unchanged", "[planner]") {
  CHECK(documents::reread(to_json(sound()), conditions_from_json) == sound());
  CHECK(documents::reread(to_json(Conditions{}), conditions_from_json) == Conditions{});
  CHECK(documents::reread(json{{"format", "cadastre-conditions/1"}}, conditions_from_json) ==
        Conditions{});
}

TEST_CASE("steps vary where conditions say so, by the cluster's spreads unless stated",
          "[planner]") {
  const Conditions conditions = documents::reread(
      json{{"format", "cadastre-conditions/1"}, {"jitter", {{"between_steps", json::object()}}}},
      conditions_from_json);
  CHECK(conditions.jitter == Jitter{.seed = 1,
                                    .relative_spread = {},
                                    .between_steps = StepVariation{.correlation_steps = 4}});
}

TEST_CASE("conditions that cannot be are refused where they are", "[planner]") {
  const json document = to_json(sound());
  CHECK(refused(with(document, "/num_steps", 0)) ==
        "/num_steps: expected an integer from 1 to 1000000, found 0");
  CHECK(refused(with(document, "/slowdowns/0/link", "a")) ==
        "/slowdowns/0: expected either \"host\" or \"link\", found both");
  CHECK(refused(without(document, "/failures/0/host")) ==
        "/failures/0: expected either \"host\" or \"link\", found neither");
  CHECK(refused(with(document, "/slowdowns/0/profile/0/factor", 0)) ==
        "/slowdowns/0/profile/0/factor: expected a number from 1e-06 to 1, found 0");
  CHECK(refused(with(document, "/slowdowns/0/profile/1/at_s", 0.5)) ==
        "/slowdowns/0/profile/1/at_s: expected a time after that of the point before, found 0.5");
  CHECK(refused(with(document, "/slowdowns/0/every_s", 1)) ==
        "/slowdowns/0/every_s: expected more seconds than the profile lasts, found 1");
  CHECK(refused(with(document, "/slowdowns/0/profile", json::array())) ==
        "/slowdowns/0/profile: expected an array of at least 1, found an array of 0");
  CHECK(refused(with(document, "/background_traffic/0/to", "a")) ==
        "/background_traffic/0/to: expected another host than \"from\", found \"a\"");
  CHECK(refused(with(document, "/background_traffic/0/until_s", 1)) ==
        "/background_traffic/0/until_s: expected a time after \"from_s\", found 1");
  CHECK(refused(with(document, "/failures/1/at_s", -1)) ==
        "/failures/1/at_s: expected a number from 0 to 1000000000, found -1");
  CHECK(refused(with(document, "/recovery/checkpoint_s", 1e300)) ==
        "/recovery/checkpoint_s: expected a number from 0 to 1000000000, found 1e+300");
  CHECK(refused(with(document, "/failures/1/back_after_s", 2e9)) ==
        "/failures/1/back_after_s: expected a number from 0 to 1000000000, found 2000000000.0");
  CHECK(refused(with(document, "/slowdowns/0/every_s", 1e-4)) ==
        "/slowdowns/0/every_s: expected a number from 0.001 to 1000000000, found 0.0001");
  CHECK(refused(with(document, "/failures/0/back_after_s", 0)) ==
        "/failures/0/back_after_s: expected a number > 0, found 0");
  CHECK(refused(with(document, "/recovery/restarts_s", 1)) ==
        "/recovery/restarts_s: expected no such key, did you mean \"restart_s\"?");
  CHECK(refused(with(document, "/jitter/relative_spread", -0.1)) ==
        "/jitter/relative_spread: expected a number from 0 to 10, found -0.1");
  CHECK(refused(with(document, "/jitter/between_steps/correlation_steps", 0.5)) ==
        "/jitter/between_steps/correlation_steps: expected a number from 1 to 1000000, found 0.5");
  CHECK(refused(with(document, "/jitter/between_steps/spreads/0/spread", 5)) ==
        "/jitter/between_steps/spreads/0/spread: expected a number from 0 to 4, found 5");
  CHECK(refused(without(document, "/jitter/between_steps/spreads/1/link")) ==
        "/jitter/between_steps/spreads/1: expected either \"host\" or \"link\", found neither");
  CHECK(refused(with(document, "/jitter/between_steps/spread", 1)) ==
        "/jitter/between_steps/spread: expected no such key, did you mean \"spreads\"?");
}
