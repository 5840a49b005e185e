#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <vector>

#include "planner/program.h"
#include "planner/timeline.h"

namespace cadastre {

/// What a rank remembers of some steps, spread evenly over the run, for the launcher to pick a
/// typical one from. Every rank remembers the same steps.
class StepWindow {
 public:
  void add(std::int64_t step, std::vector<TimelineEvent> events);

  /// Events of each remembered step, on the steady clock.
  std::map<std::int64_t, std::vector<TimelineEvent>> steps;
  std::int64_t traffic_bytes_per_step = 0;

 private:
  std::int64_t stride_ = 1;  ///< every how manieth step is remembered
};

void write_step_window(const std::filesystem::path& file, const StepWindow& window);
[[nodiscard]] StepWindow read_step_window(const std::filesystem::path& file);

/// The measured timeline of the remembered step whose duration is nearest to the median of all
/// steps. `step_ends_s[step]` is when the last rank ended the step.
[[nodiscard]] Timeline typical_step(const Program& program, const std::vector<StepWindow>& windows,
                                    const std::vector<double>& step_ends_s);

}  // namespace cadastre
