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

TEST_CASE("on a chain with a host a stage, interleaved 1F1B is 1F1B", "[planner]") {
  constexpr int kStages = 3;
  constexpr int kMicroBatches = 5;
  std::vector<ScheduledStage> stages;
  for (int s = 0; s < kStages; ++s) {
    stages.push_back(
        {.depth = kStages - 1 - s, .recompute = false, .ranks = {s}, .successors = {}});
    if (s + 1 < kStages) stages.back().successors = {s + 1};
  }
  const auto orders = interleaved_passes(stages, kStages, kMicroBatches);
  for (int s = 0; s < kStages; ++s) {
    std::vector<Pass> passes;
    for (const StagePass& pass : orders[static_cast<std::size_t>(s)]) passes.push_back(pass.pass);
    CHECK(passes == stage_passes(Schedule::kOneForwardOneBackward, kMicroBatches, kStages - 1 - s));
  }
}

TEST_CASE("interleaved 1F1B works through all stages of a rank, one forth, one back", "[planner]") {
  // Four stages dealt out to two ranks: rank 0 has stages 0 and 2.
  std::vector<ScheduledStage> stages;
  for (int s = 0; s < 4; ++s) {
    stages.push_back({.depth = 3 - s, .recompute = false, .ranks = {s % 2}, .successors = {}});
    if (s < 3) stages.back().successors = {s + 1};
  }
  const auto orders = interleaved_passes(stages, 2, 2);
  const auto text = [](const std::vector<StagePass>& passes) {
    std::string grid;
    for (const StagePass& pass : passes)
      grid += (grid.empty() ? "" : " ") + std::to_string(pass.stage) + "." +
              std::to_string(pass.pass.micro_batch) + (pass.pass.forward ? "F" : "B");
    return grid;
  };
  // Time 0: 0.0F; 1: 0.1F beside 1.0F; 2: 2.0F beside 1.1F; 3: 2.1F beside 3.0F; then 3.0B until 6
  // (3.1F would be a second in flight), 2.0B beside 3.1F, 2.1B when 3.1B is done, …
  CHECK(text(orders[0]) == "0.0F 0.1F 2.0F 2.1F 2.0B 2.1B 0.0B 0.1B");
  CHECK(text(orders[1]) == "1.0F 1.1F 3.0F 3.0B 3.1F 3.1B 1.0B 1.1B");
}
