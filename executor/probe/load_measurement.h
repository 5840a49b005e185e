#pragma once

#include "executor/communicator.h"
#include "executor/probe/measurements.h"
#include "executor/probe/workload.h"

namespace cadastre {

/// Computes `workload` without messages, beside messages both ways and beside reductions, in turn;
/// all ranks, at least two, call this at the same time.
[[nodiscard]] ProbedLoad measure_load(Communicator& communicator, int rank, int num_ranks,
                                      Workload& workload);

}  // namespace cadastre
