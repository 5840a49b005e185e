#include "planner/fidelity/command.h"

#include <chrono>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace cadastre {

TEST_CASE("a command's status and last line are told", "[planner]") {
  const TemporaryDirectory directory;
  const CommandResult done = run_command({"sh", "-c", "echo first; echo $WORD; exit 3"},
                                         directory.path() / "log", {"WORD=last"});
  CHECK(done.status == 3);
  CHECK(done.last_line == "last");
  CHECK_THROWS_WITH(run_command({"no-such-program"}, directory.path() / "log"),
                    Catch::StartsWith("no-such-program: cannot be started"));
}

TEST_CASE("a command in the background that ends by itself is told of", "[planner]") {
  const TemporaryDirectory directory;
  const BackgroundCommand goes_on({"sleep", "60"}, directory.path() / "goes-on.log");
  const BackgroundCommand ends({"sh", "-c", "echo refused; exit 2"}, directory.path() / "ends.log");
  const auto has_ended = [&] {
    try {
      ends.check_runs();
    } catch (const std::runtime_error& error) {
      CHECK(error.what() == std::string("sh ended by itself: refused"));
      return true;
    }
    return false;
  };
  constexpr int kMostTries = 1000;
  int tries = 0;
  while (!has_ended() && ++tries < kMostTries)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(tries < kMostTries);
  goes_on.check_runs();
}

}  // namespace cadastre
