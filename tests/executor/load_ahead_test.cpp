#include "executor/load_ahead.h"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/support/catch.h"

namespace cadastre {
namespace {

/// A step of three loads.
const std::vector<PlannedLoad> kLoads = {{.stage = 0, .samples = {.begin = 0, .end = 4}},
                                         {.stage = 1, .samples = {.begin = 0, .end = 4}},
                                         {.stage = 0, .samples = {.begin = 4, .end = 8}}};

/// What a load is known by.
std::int64_t number_of(std::int64_t step, const PlannedLoad& load) {
  return step * 100 + load.stage * 10 + load.samples.begin;
}

LoadedSamples numbered(std::int64_t step, const PlannedLoad& load) {
  LoadedSamples loaded;
  loaded.class_indices = at::full({1}, number_of(step, load), at::kLong);
  return loaded;
}

TEST_CASE("loads come in the program's order, over the ends of steps", "[executor]") {
  LoadAhead ahead(kLoads, 5, 8, numbered);
  for (std::int64_t step = 5; step < 8; ++step)
    for (const PlannedLoad& load : kLoads)
      CHECK(ahead.take(step, load).class_indices.item<std::int64_t>() == number_of(step, load));
}

TEST_CASE("a load that the program does not have next is a mistake", "[executor]") {
  LoadAhead ahead(kLoads, 0, 1, numbered);
  CHECK_THROWS_AS(ahead.take(0, kLoads[1]), std::logic_error);
  CHECK_THROWS_AS(ahead.take(1, kLoads[0]), std::logic_error);
  CHECK_NOTHROW(ahead.take(0, kLoads[0]));
}

TEST_CASE("no more than a step's loads are ready before they are taken", "[executor]") {
  std::atomic<std::int64_t> num_loaded = 0;
  LoadAhead ahead(kLoads, 0, 100, [&](std::int64_t step, const PlannedLoad& load) {
    ++num_loaded;
    return numbered(step, load);
  });
  std::int64_t num_taken = 0;
  for (const PlannedLoad& load : {kLoads[0], kLoads[1]}) {
    static_cast<void>(ahead.take(0, load));
    ++num_taken;
    // Time enough for a thread that would not stop.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(num_loaded <= num_taken + static_cast<std::int64_t>(kLoads.size()));
  }
}

TEST_CASE("what a load throws comes with the take that wanted it, not before", "[executor]") {
  LoadAhead ahead(kLoads, 0, 2, [](std::int64_t step, const PlannedLoad& load) {
    if (number_of(step, load) == number_of(0, kLoads[2])) throw std::runtime_error("disk is gone");
    return numbered(step, load);
  });
  CHECK_NOTHROW(ahead.take(0, kLoads[0]));
  CHECK_NOTHROW(ahead.take(0, kLoads[1]));
  CHECK_THROWS_WITH(ahead.take(0, kLoads[2]), "disk is gone");
  CHECK_THROWS_WITH(ahead.take(0, kLoads[2]), "disk is gone");
}

TEST_CASE("an owner that goes early does not wait for loads that nobody wants", "[executor]") {
  std::atomic<std::int64_t> num_loaded = 0;
  {
    LoadAhead ahead(kLoads, 0, 1000000, [&](std::int64_t step, const PlannedLoad& load) {
      ++num_loaded;
      return numbered(step, load);
    });
    static_cast<void>(ahead.take(0, kLoads[0]));
  }
  CHECK(num_loaded <= 1 + static_cast<std::int64_t>(kLoads.size()));
}

}  // namespace
}  // namespace cadastre
