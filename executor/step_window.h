#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <vector>

#include "planner/program.h"
#include "planner/timeline.h"

namespace cadastre {

/// What a rank remembers of its last steps, for the launcher to pick a typical one from.
struct StepWindow {
  /// Events of each of the last steps, on the steady clock.
  std::map<std::int64_t, std::vector<TimelineEvent>> steps;
  std::int64_t traffic_bytes_per_step = 0;

  void add(std::int64_t step, std::vector<TimelineEvent> events);
};

void write_step_window(const std::filesystem::path& file, const StepWindow& window);
[[nodiscard]] StepWindow read_step_window(const std::filesystem::path& file);

/// The measured timeline of the step whose duration is the median of those that all ranks remember.
/// `step_ends_s[step]` is when the last rank ended the step.
[[nodiscard]] Timeline typical_step(const Program& program, const std::vector<StepWindow>& windows,
                                    const std::vector<double>& step_ends_s);

}  // namespace cadastre
