#include "planner/timeline.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"

using namespace cadastre;
using documents::refusal_of;
using documents::with;
using nlohmann::json;

namespace {

Timeline sound() {
  return {.source = "simulated",
          .step_s = 0.75,
          .ranks = {{.host = "node1", .parts = {{.stage = 0, .replica = 0}}},
                    {.host = "node2",
                     .parts = {{.stage = 1, .replica = 0}, {.stage = 3, .replica = 1}}}},
          .events = {{.rank = 0,
                      .kind = InstructionKind::kForward,
                      .stage = 0,
                      .micro_batch = 0,
                      .start_s = 0,
                      .end_s = 0.25},
                     {.rank = 0,
                      .kind = InstructionKind::kSendActivation,
                      .stage = 0,
                      .micro_batch = 0,
                      .layer = 3,
                      .peer = 1,
                      .start_s = 0.25,
                      .end_s = 0.25,
                      .bytes = 4096},
                     {.rank = 1,
                      .kind = InstructionKind::kOptimizerStep,
                      .stage = 3,
                      .start_s = 0.5,
                      .end_s = 2.0 / 3}}};
}

std::string refused(const json& document) { return refusal_of(document, timeline_from_json); }

}  // namespace

TEST_CASE("a timeline goes to JSON and back unchanged", "[planner]") {
  Timeline timeline = sound();
  CHECK(documents::reread(to_json(timeline), timeline_from_json) == timeline);
  // What only a measurement knows is left out where nobody has measured it.
  CHECK_FALSE(to_json(timeline).at("events")[0].contains("cpu_s"));
  CHECK_FALSE(to_json(timeline).at("events")[0].contains("resident_bytes"));
  timeline.events[0].cpu_s = 0.125;
  timeline.events[0].resident_bytes = 1 << 20;
  CHECK(to_json(timeline).at("events")[0].at("cpu_s") == 0.125);
  CHECK(documents::reread(to_json(timeline), timeline_from_json) == timeline);
}

TEST_CASE("an event of a rank that does not exist is refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/events/2/rank", 2)) ==
        "/events/2/rank: expected an integer from 0 to 1, found 2");
  CHECK(refused(with(to_json(sound()), "/events/1/peer", 7)) ==
        "/events/1/peer: expected an integer from -1 to 1, found 7");
  CHECK(refused(with(to_json(sound()), "/ranks", json::array())) ==
        "/ranks: expected an array of at least 1, found an array of 0");
}

TEST_CASE("an event that ends before it starts is refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/events/2/end_s", 0.4)) ==
        "/events/2/end_s: expected a number >= 0.5, found 0.4");
  CHECK(refused(with(to_json(sound()), "/events/0/start_s", -0.1)) ==
        "/events/0/start_s: expected a number >= 0, found -0.1");
}

TEST_CASE("an event of less than no CPU time or memory is refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/events/0/cpu_s", -1)) ==
        "/events/0/cpu_s: expected a number >= 0, found -1");
  CHECK(refused(with(to_json(sound()), "/events/0/resident_bytes", 1.5)) ==
        "/events/0/resident_bytes: expected an integer >= 0, found 1.5");
}

TEST_CASE("events out of order are refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/events/0/rank", 1)) ==
        "/events/1/rank: expected events in order of rank, found rank 0 after rank 1");
  CHECK(refused(with(with(to_json(sound()), "/events/0/start_s", 0.5), "/events/0/end_s", 0.5)) ==
        "/events/1/start_s: expected at least 0.5, the start of the event before it, found 0.25");
}

TEST_CASE("an unknown source or instruction is refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/source", "guessed")) ==
        "/source: expected one of predicted, simulated or measured, found \"guessed\"");
  const std::string message = refused(with(to_json(sound()), "/events/0/kind", "wait"));
  CHECK(message.starts_with("/events/0/kind: expected one of "));
  CHECK(message.ends_with(", found \"wait\""));
  CHECK(refused(with(to_json(sound()), "/events/0/byte", 1)) ==
        "/events/0/byte: expected no such key, did you mean \"bytes\"?");
}

TEST_CASE("a Chrome trace has a named process per rank and times in microseconds", "[planner]") {
  const json trace = chrome_trace(sound());
  const json& events = trace.at("traceEvents");
  REQUIRE(events.size() == 2 * 2 + 3);  // a name and an order per rank, then the events
  CHECK(events[2].at("name") == "process_name");
  CHECK(events[2].at("pid") == 1);
  CHECK(events[2].at("args").at("name") == "rank 1 on node2, stage 1 replica 0, stage 3 replica 1");
  const json& send = events[5];
  CHECK(send.at("ph") == "X");
  CHECK(send.at("pid") == 0);
  CHECK(send.at("ts") == 250000.0);  // 0.25 s
  CHECK(send.at("dur") == 0.0);
  CHECK(send.at("args") ==
        json{{"stage", 0}, {"micro_batch", 0}, {"layer", 3}, {"peer", 1}, {"bytes", 4096}});
  CHECK(events[6].at("args") == json{{"stage", 3}});  // an optimizer step is about no micro-batch
}

TEST_CASE("a Chrome trace shows CPU time and, as a counter of each rank, memory", "[planner]") {
  Timeline timeline = sound();
  timeline.events[0].cpu_s = 0.125;
  timeline.events[0].resident_bytes = 1 << 20;
  const json trace = chrome_trace(timeline);
  const json& events = trace.at("traceEvents");
  REQUIRE(events.size() == 2 * 2 + 3 + 1);
  CHECK(events[4].at("args") == json{{"stage", 0}, {"micro_batch", 0}, {"cpu_s", 0.125}});
  const json& counter = events[5];
  CHECK(counter.at("ph") == "C");
  CHECK(counter.at("pid") == 0);
  CHECK(counter.at("ts") == 250000.0);  // at the event's end
  CHECK(counter.at("args") == json{{"bytes", 1 << 20}});
}
