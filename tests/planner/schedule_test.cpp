#include "planner/schedule.h"

#include <string>

#include "tests/support/catch.h"

using namespace cadastre;

namespace {

/// "0F 1F 0B 1B": micro-batch and direction.
std::string grid(const std::vector<Pass>& passes) {
  std::string text;
  for (const Pass& pass : passes)
    text +=
        (text.empty() ? "" : " ") + std::to_string(pass.micro_batch) + (pass.forward ? "F" : "B");
  return text;
}

}  // namespace

TEST_CASE("GPipe makes all forward passes, then all backward passes", "[planner]") {
  CHECK(grid(stage_passes(Schedule::kGpipe, 3, 0)) == "0F 1F 2F 0B 1B 2B");
  CHECK(grid(stage_passes(Schedule::kGpipe, 3, 2)) == "0F 1F 2F 0B 1B 2B");
}

TEST_CASE("1F1B warms up with one forward pass for each stage to the loss", "[planner]") {
  CHECK(grid(stage_passes(Schedule::kOneForwardOneBackward, 4, 0)) == "0F 0B 1F 1B 2F 2B 3F 3B");
  CHECK(grid(stage_passes(Schedule::kOneForwardOneBackward, 4, 1)) == "0F 1F 0B 2F 1B 3F 2B 3B");
  CHECK(grid(stage_passes(Schedule::kOneForwardOneBackward, 4, 2)) == "0F 1F 2F 0B 3F 1B 2B 3B");
}

TEST_CASE("1F1B with fewer micro-batches than stages is GPipe", "[planner]") {
  CHECK(grid(stage_passes(Schedule::kOneForwardOneBackward, 2, 5)) == "0F 1F 0B 1B");
}
