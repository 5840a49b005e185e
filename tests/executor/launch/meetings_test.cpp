#include "executor/launch/meetings.h"

#include <csignal>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace cadastre {
namespace {

const LaunchOptions kOwnRanks{.local = true};
const NotMet kNotMet("rank 1 failed: a stranger", 1, "failed: a stranger");

TEST_CASE("ranks that did not meet are started again, and it is said", "[executor]") {
  std::vector<std::string> notes;
  int num_attempts = 0;
  const int result = until_ranks_meet(
      kOwnRanks, [&](const std::string& note) { notes.push_back(note); },
      [&] {
        if (++num_attempts < 3) throw kNotMet;
        return 7;
      });
  CHECK(result == 7);
  CHECK(notes == std::vector<std::string>{
                     "rank 1 failed: a stranger; they are started again, to meet at other ports: 1 "
                     "of 3 times",
                     "rank 1 failed: a stranger; they are started again, to meet at other ports: 2 "
                     "of 3 times"});
}

TEST_CASE("ranks that never meet are given up", "[executor]") {
  int num_attempts = 0;
  const auto attempt = [&]() -> int {
    ++num_attempts;
    throw kNotMet;
  };
  SECTION("after four times") {
    CHECK_THROWS_AS(until_ranks_meet(kOwnRanks, [](const std::string&) {}, attempt), NotMet);
    CHECK(num_attempts == 4);
  }
  SECTION("at an interruption") {
    const auto interrupted = [&] {
      std::raise(SIGINT);
      return attempt();
    };
    CHECK_THROWS_AS(until_ranks_meet(kOwnRanks, [](const std::string&) {}, interrupted), NotMet);
    CHECK(num_attempts == 1);
  }
}

TEST_CASE("what fails otherwise is not tried again", "[executor]") {
  int num_attempts = 0;
  CHECK_THROWS_AS(until_ranks_meet(kOwnRanks, [](const std::string&) {},
                                   [&]() -> int {
                                     ++num_attempts;
                                     throw RankFailure("rank 1 died", 1, "died");
                                   }),
                  RankFailure);
  CHECK(num_attempts == 1);
}

}  // namespace
}  // namespace cadastre
