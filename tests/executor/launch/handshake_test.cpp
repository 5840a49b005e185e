#include "executor/launch/handshake.h"

#include <set>

#include "tests/support/catch.h"

namespace cadastre {
namespace {

const std::string kKey = "0123456789abcdef0123456789abcdef";

TEST_CASE("the code is HMAC-SHA256", "[executor]") {
  // RFC 4231, test cases 2 and 1.
  CHECK(message_authentication_code("Jefe", "what do ya want for nothing?") ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(message_authentication_code(std::string(20, '\x0b'), "Hi There") ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

TEST_CASE("random digits are 128 bits that differ", "[executor]") {
  std::set<std::string> drawn;
  for (int i = 0; i < 100; ++i) drawn.insert(random_digits());
  CHECK(drawn.size() == 100);
  for (const std::string& digits : drawn) {
    CHECK(digits.size() == 32);
    CHECK(digits.find_first_not_of("0123456789abcdef") == std::string::npos);
  }
}

TEST_CASE("who has the key proves it, and nothing of it is sent", "[executor]") {
  const Knock knock(kKey);
  const Challenge challenge(kKey, knock.frame());
  const Frame answer = knock.answer(challenge.frame());
  CHECK_NOTHROW(challenge.check(answer));
  for (const Frame& frame : {knock.frame(), challenge.frame(), answer})
    CHECK(encode(frame).find(kKey) == std::string::npos);
}

TEST_CASE("another key is found out by both sides", "[executor]") {
  const Knock knock(kKey);
  const Challenge other("another key", knock.frame());
  CHECK_THROWS_AS(static_cast<void>(knock.answer(other.frame())), WrongKeyError);

  const Knock stranger("another key");
  const Challenge challenge(kKey, stranger.frame());
  const Challenge pretended("another key", stranger.frame());
  CHECK_THROWS_AS(challenge.check(stranger.answer(pretended.frame())), WrongKeyError);
}

TEST_CASE("what was said once is of no use a second time, nor to the side that said it",
          "[executor]") {
  const Knock knock(kKey);
  const Challenge challenge(kKey, knock.frame());
  const Frame answer = knock.answer(challenge.frame());
  const Challenge later(kKey, knock.frame());
  CHECK_THROWS_AS(later.check(answer), WrongKeyError);
  const Knock again(kKey);
  CHECK_THROWS_AS(static_cast<void>(again.answer(challenge.frame())), WrongKeyError);

  Frame reflected{.header = {{"type", "answer"}, {"proof", challenge.frame().header["proof"]}},
                  .payload = {}};
  CHECK_THROWS_AS(challenge.check(reflected), WrongKeyError);
}

TEST_CASE("frames that are not of a handshake are refused", "[executor]") {
  const Knock knock(kKey);
  const auto frame = [](nlohmann::json header) {
    return Frame{.header = std::move(header), .payload = {}};
  };
  const std::string digits(32, '7');
  for (const Frame& wrong :
       {frame({{"type", "hello"}}), frame({{"type", "knock"}}),
        frame({{"type", "knock"}, {"number", 7}}), frame({{"type", "knock"}, {"number", "7"}}),
        frame({{"type", "knock"}, {"number", std::string(32, 'G')}}),
        frame({{"type", "knock"}, {"number", digits + digits}})})
    CHECK_THROWS_AS(Challenge(kKey, wrong), FrameError);
  for (const Frame& wrong :
       {frame({{"type", "ping"}}), frame({{"type", "challenge"}, {"number", digits}}),
        frame({{"type", "challenge"}, {"number", digits}, {"proof", {1, 2}}})})
    CHECK_THROWS_AS(static_cast<void>(knock.answer(wrong)), FrameError);
  const Challenge challenge(kKey, knock.frame());
  CHECK_THROWS_AS(challenge.check(frame({{"type", "answer"}, {"proof", nullptr}})), FrameError);
  CHECK_THROWS_AS(challenge.check(frame({{"type", "answer"}, {"proof", ""}})), WrongKeyError);
}

}  // namespace
}  // namespace cadastre
