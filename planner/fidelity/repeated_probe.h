#pragma once

#include <vector>

#include "planner/calibration.h"
#include "planner/cluster.h"

namespace cadastre {

/// What one probe of a stated cluster's hosts found.
struct NetworkProbe {
  Cluster measured;
  Calibration calibration;  ///< of the stated cluster by that
};

/// The stated cluster with its network as several probes measured it: each figure is the median of
/// theirs, as a moment's other work may spoil one of them. Of figures in the middle, the mean.
/// `probes` must not be empty.
[[nodiscard]] Cluster calibrated(const Cluster& stated, const std::vector<NetworkProbe>& probes);

}  // namespace cadastre
