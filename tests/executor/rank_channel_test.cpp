#include "executor/rank_channel.h"

#include "tests/support/catch.h"

namespace cadastre {
namespace {

RankMessage reread(const RankMessage& message) {
  const std::string line = encode(message);
  CHECK(line.find('\n') == std::string::npos);
  const std::optional<RankMessage> decoded = decode(line);
  REQUIRE(decoded.has_value());
  CHECK(decoded->kind == message.kind);
  return *decoded;
}

TEST_CASE("a step's message comes back to the last bit", "[executor]") {
  const RankMessage step = reread({.kind = RankMessage::Kind::kStep,
                                   .step = 123456789012,
                                   .loss_sum = 1.0 / 3,
                                   .end_s = 5432.1 + 1e-9,
                                   .text = {}});
  CHECK(step.step == 123456789012);
  CHECK(step.loss_sum == 1.0 / 3);
  CHECK(step.end_s == 5432.1 + 1e-9);
}

TEST_CASE("a value comes back with its name", "[executor]") {
  const RankMessage value =
      reread({.kind = RankMessage::Kind::kValue, .text = "latency_s", .value = -1e-300});
  CHECK(value.text == "latency_s");
  CHECK(value.value == -1e-300);
}

TEST_CASE("an error comes back as one line, whatever its text", "[executor]") {
  for (const RankMessage::Kind kind :
       {RankMessage::Kind::kInputError, RankMessage::Kind::kError, RankMessage::Kind::kPeerLost}) {
    CHECK(reread({.kind = kind, .text = "plan.json: /stages: expected\n  two"}).text ==
          "plan.json: /stages: expected   two");
    CHECK(reread({.kind = kind, .text = ""}).text.empty());
  }
}

TEST_CASE("what is no message is none", "[executor]") {
  for (const char* line :
       {"", "hello", "step", "step one", "step 1 2", "value", "value x", "steps 1 2 3"})
    CHECK_FALSE(decode(line).has_value());
}

}  // namespace
}  // namespace cadastre
