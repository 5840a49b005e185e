#include "simulator/isolated.h"

#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <simgrid/s4u.hpp>
#include <stdexcept>

#include "tests/support/catch.h"

using namespace cadastre;

TEST_CASE("isolated work returns its bytes in the order of the work", "[simulator]") {
  const std::string big(5'000'000, 'x');  // far more than a pipe holds
  std::vector<std::size_t> finished;
  const std::vector<IsolatedResult> results = run_isolated(
      {[&] { return big; }, [] { return std::string("a\0b", 3); }, [] { return std::string(); }}, 2,
      [&](std::size_t i) { finished.push_back(i); });
  REQUIRE(results.size() == 3);
  CHECK(results[0].output == big);
  CHECK(results[1].output == std::string("a\0b", 3));
  CHECK(results[2] == IsolatedResult{});
  CHECK(finished.size() == 3);
}

TEST_CASE("an abort of SimGrid is one error and the other simulations survive", "[simulator]") {
  const std::vector<IsolatedResult> results =
      run_isolated({[] { return std::string("before"); },
                    [] {
                      const simgrid::s4u::Engine engine("one");
                      const simgrid::s4u::Engine another("two");  // SimGrid ends the process here
                      return std::string("not reached");
                    },
                    [] { return std::string("after"); }},
                   1);
  CHECK(results[0].output == "before");
  CHECK(results[0].error.empty());
  CHECK(results[1].output.empty());
  CHECK_THAT(results[1].error, Catch::Matchers::StartsWith("ended by signal 6 (Aborted): "));
  CHECK(results[1].error.find('\n') == std::string::npos);
  CHECK(results[2].output == "after");
}

TEST_CASE("an exception, a signal and an exit of isolated work become its error", "[simulator]") {
  const std::vector<IsolatedResult> results =
      run_isolated({[]() -> std::string { throw std::runtime_error("no such luck"); },
                    []() -> std::string {
                      std::raise(SIGKILL);
                      return "";
                    },
                    []() -> std::string { ::_exit(7); }},
                   3);
  CHECK(results[0].error == "no such luck");
  CHECK(results[1].error == "ended by signal 9 (Killed)");
  CHECK(results[2].error == "ended with status 7");
}

TEST_CASE("isolated work runs at the same time up to the limit", "[simulator]") {
  // Each of the two waits for a byte of the other: one after the other they would never end.
  std::array<int, 2> to_first{};
  std::array<int, 2> to_second{};
  REQUIRE(::pipe(to_first.data()) == 0);
  REQUIRE(::pipe(to_second.data()) == 0);
  const auto meet = [](int write_end, int read_end) {
    char byte = 'x';
    if (::write(write_end, &byte, 1) != 1 || ::read(read_end, &byte, 1) != 1) std::abort();
    return std::string("met");
  };
  const std::vector<IsolatedResult> results =
      run_isolated({[&] { return meet(to_second[1], to_first[0]); },
                    [&] { return meet(to_first[1], to_second[0]); }},
                   2);
  CHECK(results[0].output == "met");
  CHECK(results[1].output == "met");
}

TEST_CASE("isolated work never runs at the same time beyond the limit", "[simulator]") {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  const std::string path = "/proc/self/fd/" + std::to_string(::fileno(file));
  const auto alone = [&] {
    std::FILE* own = std::fopen(path.c_str(), "r");  // a lock belongs to an open file
    const bool locked = own != nullptr && ::flock(::fileno(own), LOCK_EX | LOCK_NB) == 0;
    ::usleep(20'000);
    return std::string(locked ? "alone" : "crowded");
  };
  for (const IsolatedResult& result : run_isolated({alone, alone, alone, alone}, 1))
    CHECK(result.output == "alone");
  std::fclose(file);
}
