#pragma once

#include "executor/communicator.h"
#include "executor/probe/measurements.h"

namespace cadastre {

/// Measures the way from this rank to `peer`, which calls `answer_measurement` meanwhile. Takes
/// about a second, whatever the network.
[[nodiscard]] ProbedWay measure_way(Communicator& communicator, int rank, int peer);

/// The other end of `measure_way`.
void answer_measurement(Communicator& communicator, int peer);

/// What the links of a way let through at once, where a message of `message_bytes` takes
/// `message_s` after a pause, one without content `small_s`, both with the answer: by how much the
/// first is sooner than at the bandwidth. None where that is less than the half of `small_s`, one
/// way's latency, which is what such times vary by; the message at most.
[[nodiscard]] double burst_bytes(double message_bytes, double message_s, double small_s,
                                 double bandwidth_bytes_per_s);

}  // namespace cadastre
