#include "planner/schedule.h"

#include <map>
#include <numeric>
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

TEST_CASE("eager 1F1B holds twice as many micro-batches in advance", "[planner]") {
  CHECK(grid(stage_passes(Schedule::kEagerOneForwardOneBackward, 4, 0)) ==
        "0F 0B 1F 1B 2F 2B 3F 3B");
  CHECK(grid(stage_passes(Schedule::kEagerOneForwardOneBackward, 4, 1)) ==
        "0F 1F 2F 0B 3F 1B 2B 3B");
}

namespace {

/// A chain of equal stages dealt out to the ranks in turns.
std::vector<ScheduledStage> dealt(int num_stages, int num_ranks) {
  std::vector<ScheduledStage> stages;
  for (int s = 0; s < num_stages; ++s) {
    ScheduledStage& stage = stages.emplace_back();
    stage.depth = num_stages - 1 - s;
    stage.ranks = {s % num_ranks};
    if (s + 1 < num_stages) stage.successors = {s + 1};
  }
  return stages;
}

}  // namespace

TEST_CASE("interleaved 1F1B works through all stages of a rank, one forth, one back", "[planner]") {
  const auto orders = interleaved_passes(dealt(4, 2), 2, 2);
  const auto text = [](const std::vector<StagePass>& passes) {
    std::string grid;
    for (const StagePass& pass : passes)
      grid += (grid.empty() ? "" : " ") + std::to_string(pass.stage) + "." +
              std::to_string(pass.pass.micro_batch) + (pass.pass.forward ? "F" : "B");
    return grid;
  };
  // Time 0: 0.0F; 1: 0.1F beside 1.0F; 2: 2.0F beside 1.1F; 3: 2.1F beside 3.0F; 4: 3.0B until 6
  // (3.1F would be a second in flight); 6: 2.0B beside 3.1F; 7: 3.1B until 9; then 2.1B beside
  // 1.0B, 0.0B, …
  CHECK(text(orders[0]) == "0.0F 0.1F 2.0F 2.1F 2.0B 2.1B 0.0B 0.1B");
  CHECK(text(orders[1]) == "1.0F 1.1F 3.0F 3.0B 3.1F 3.1B 1.0B 1.1B");
}

TEST_CASE("interleaved 1F1B makes every pass once, micro-batches in order", "[planner][property]") {
  for (const int num_ranks : {1, 2, 3}) {
    for (const int micro_batches : {1, 2, 5, 16}) {
      const auto orders = interleaved_passes(dealt(6, num_ranks), num_ranks, micro_batches);
      std::map<std::pair<int, bool>, std::vector<int>> passes;
      for (const auto& order : orders)
        for (const StagePass& pass : order)
          passes[{pass.stage, pass.pass.forward}].push_back(pass.pass.micro_batch);
      std::vector<int> all(static_cast<std::size_t>(micro_batches));
      std::iota(all.begin(), all.end(), 0);
      CHECK(passes.size() == 12);
      for (const auto& [key, order] : passes) CHECK(order == all);
    }
  }
}
