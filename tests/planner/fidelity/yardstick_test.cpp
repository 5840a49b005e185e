#include "planner/fidelity/yardstick.h"

#include <sched.h>

#include <chrono>

#include "tests/support/catch.h"

namespace cadastre {
namespace {

using Catch::WithinRel;

std::vector<int> own_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  REQUIRE(::sched_getaffinity(0, sizeof set, &set) == 0);
  std::vector<int> processors;
  for (int processor = 0; processor < CPU_SETSIZE; ++processor)
    if (CPU_ISSET(static_cast<std::size_t>(processor), &set)) processors.push_back(processor);
  return processors;
}

TEST_CASE("what a yardstick took is a quantile over time, not over samples", "[planner]") {
  // Windows of a tenth of a second from 0, 0.125 and 0.5 s on: means of 2, 4 and 6 s.
  const std::vector<YardstickSample> samples = {{0, 1},    {0.0625, 3}, {0.125, 4},
                                                {0.15, 4}, {0.2, 4},    {0.5, 6}};
  CHECK(yardstick_s(samples, 0) == 2);
  CHECK(yardstick_s(samples, 0.25) == 3);
  CHECK(yardstick_s(samples, 1) == 6);
  CHECK_FALSE(yardstick_s({}, 0.25).has_value());
}

TEST_CASE("a host's processors count alike", "[planner]") {
  const std::map<int, double> seconds = {{0, 1}, {1, 3}, {2, 8}};
  CHECK(mean_of(seconds, {0, 1}) == 2);
  CHECK(mean_of(seconds, {2}) == 8);
  CHECK_FALSE(mean_of(seconds, {2, 3}).has_value());
  CHECK_FALSE(mean_of(seconds, {}).has_value());
}

TEST_CASE("a yardstick measures each of its processors until it ends", "[planner]") {
  const std::vector<int> processors = own_processors();
  Yardstick yardstick(processors);
  const auto wait_for = [&](std::size_t num_processors) {
    constexpr int kMostWaits = 1000;
    for (int i = 0; i < kMostWaits && yardstick.seconds(0.5).size() < num_processors; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return yardstick.seconds(0.5);
  };
  const std::map<int, double> seconds = wait_for(processors.size());
  for (const int processor : processors) {
    REQUIRE(seconds.count(processor) == 1);
    CHECK(seconds.at(processor) > 0);
  }
  CHECK(seconds.size() == processors.size());
  CHECK(yardstick.seconds(0.5, 0).empty());
  yardstick.begin();
  CHECK(wait_for(processors.size()).size() == processors.size());
}

}  // namespace
}  // namespace cadastre
