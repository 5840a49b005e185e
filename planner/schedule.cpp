#include "planner/schedule.h"

#include <algorithm>

namespace cadastre {

namespace {

std::vector<Pass> gpipe(int micro_batches) {
  std::vector<Pass> passes;
  for (int m = 0; m < micro_batches; ++m) passes.push_back({.forward = true, .micro_batch = m});
  for (int m = 0; m < micro_batches; ++m) passes.push_back({.forward = false, .micro_batch = m});
  return passes;
}

std::vector<Pass> one_forward_one_backward(int micro_batches, int depth) {
  const int warm_up = std::min(micro_batches, depth + 1);
  std::vector<Pass> passes;
  for (int m = 0; m < warm_up; ++m) passes.push_back({.forward = true, .micro_batch = m});
  for (int m = 0; m < micro_batches; ++m) {
    passes.push_back({.forward = false, .micro_batch = m});
    if (warm_up + m < micro_batches)
      passes.push_back({.forward = true, .micro_batch = warm_up + m});
  }
  return passes;
}

}  // namespace

std::vector<Pass> stage_passes(Schedule schedule, int micro_batches, int depth) {
  switch (schedule) {
    case Schedule::kGpipe:
      return gpipe(micro_batches);
    case Schedule::kOneForwardOneBackward:
      return one_forward_one_backward(micro_batches, depth);
  }
  return {};
}

}  // namespace cadastre
