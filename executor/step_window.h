#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "executor/host_counts.h"
#include "planner/program.h"
#include "planner/timeline.h"

namespace cadastre {

/// Of some steps of a rank, from the end of one to the end of another.
struct StepsUse {
  std::int64_t num_steps = 0;  ///< 0: nothing was counted
  double seconds = 0;
  HostCounts counts;
  double cores = 1;
  bool operator==(const StepsUse&) const = default;
};

/// What a rank remembers of some steps, spread evenly over the run, for the launcher to pick a
/// typical one from. Every rank remembers the same steps.
class StepWindow {
 public:
  void add(std::int64_t step, std::vector<TimelineEvent> events);

  /// Changes the clock of all times.
  void move_times(const std::function<double(double)>& time_of);

  /// Events of each remembered step, on the steady clock.
  std::map<std::int64_t, std::vector<TimelineEvent>> steps;
  std::int64_t traffic_bytes_per_step = 0;
  StepsUse use;

 private:
  std::int64_t stride_ = 1;  ///< every how manieth step is remembered
};

/// As text, for the way from a rank to the coordinator.
[[nodiscard]] std::string encode(const StepWindow& window);
[[nodiscard]] StepWindow step_window_from(const std::string& text);

/// The measured timeline of the remembered step whose duration is nearest to the quantile of those
/// of all steps. `step_ends_s[step]` is when the last rank ended the step.
[[nodiscard]] Timeline typical_step(const Program& program, const std::vector<StepWindow>& windows,
                                    const std::vector<double>& step_ends_s,
                                    double quantile = 0.5);

}  // namespace cadastre
