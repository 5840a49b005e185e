#pragma once

#include <optional>
#include <vector>

namespace cadastre {

/// How a host's speed varies from step to step: the distance between the quartiles over the median
/// of its passes per second, in windows as long as a short step, so that what averages out within
/// a step does not count. `pass_s` are the seconds of passes that followed each other. None where
/// there are too few windows to say.
[[nodiscard]] std::optional<double> speed_spread(const std::vector<double>& pass_s);

}  // namespace cadastre
