#pragma once

#include <optional>
#include <vector>

#include "executor/timing.h"

namespace cadastre {

/// How fast a host was while it was timed. Every moment counts alike: of two states as long as each
/// other, the quicker one sees more passes.
struct SpeedOverTime {
  /// Median over time, in windows as long as a short step, and the distance between the quartiles
  /// of the passes themselves.
  TimingSummary pass;
  /// How the speed varies from step to step: the distance between the quartiles over the median of
  /// its passes per second, in such windows, so that what averages out within a step does not
  /// count. None where there are too few windows to say.
  std::optional<double> spread;
};

/// `pass_s` are the seconds of passes that followed each other. Throws std::invalid_argument when
/// it is empty.
[[nodiscard]] SpeedOverTime speed_over_time(const std::vector<double>& pass_s);

}  // namespace cadastre
