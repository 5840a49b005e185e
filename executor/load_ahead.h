#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "executor/stage_part.h"
#include "planner/program.h"
#include "planner/sample_split.h"

namespace cadastre {

/// A load of a rank's program.
struct PlannedLoad {
  int stage = 0;
  SampleRange samples;
  bool operator==(const PlannedLoad&) const = default;
};

/// Prepares a rank's loads in a thread of its own, in the program's order and over the ends of
/// steps, while the rank computes: at most those of one step are ready before they are asked for.
class LoadAhead {
 public:
  using Load = std::function<LoadedSamples(std::int64_t step, const PlannedLoad&)>;

  /// `loads`: of every step, in order, for the steps from `first_step` to `end_step` - 1. `load` is
  /// called by the thread alone, on one processor.
  LoadAhead(std::vector<PlannedLoad> loads, std::int64_t first_step, std::int64_t end_step,
            Load load);
  ~LoadAhead();
  LoadAhead(const LoadAhead&) = delete;
  LoadAhead& operator=(const LoadAhead&) = delete;

  /// The next load of the program, which must be this one. Throws what `load` threw.
  [[nodiscard]] LoadedSamples take(std::int64_t step, const PlannedLoad& load);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The loads of a rank's step, in order.
[[nodiscard]] std::vector<PlannedLoad> planned_loads(const RankProgram& rank);

}  // namespace cadastre
