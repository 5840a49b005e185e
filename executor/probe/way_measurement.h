#pragma once

#include "executor/communicator.h"
#include "executor/probe/measurements.h"

namespace cadastre {

/// Measures the way from this rank to `peer`, which calls `answer_measurement` meanwhile. Takes
/// about a second, whatever the network.
[[nodiscard]] ProbedWay measure_way(Communicator& communicator, int rank, int peer);

/// The other end of `measure_way`.
void answer_measurement(Communicator& communicator, int peer);

}  // namespace cadastre
