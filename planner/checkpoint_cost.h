#pragma once

#include <cstdint>

#include "planner/plan.h"

namespace cadastre {

/// Bytes per second at which a rank copies its weights and the optimizer's state into memory of its
/// own, before training goes on. Measured: tensors of 0.1 to 4 MB, 20 to 800 MB in all, into fresh
/// memory on one core of an Intel Xeon beside other work: 0.4 to 0.8 GB/s.
inline constexpr double kCheckpointCopyBytesPerS = 5e8;

/// What a checkpoint of a plan takes: each stage's first replica copies its weights and the
/// optimizer's state at the end of a step, and sends the copy to the host of rank 0 while training
/// goes on. Other replicas hold the same.
///
/// Not modelled: the disk, checksums, and what the copies on their way take from the messages of
/// the training.
struct CheckpointCost {
  std::int64_t bytes = 0;  ///< of all stages
  double copy_s = 0;       ///< that training stands still: the largest copy of a host
  double send_s = 0;       ///< until rank 0 has all, one after the other: the least interval
};

[[nodiscard]] CheckpointCost checkpoint_cost(const Plan& plan, const Profile& profile,
                                             const Cluster& cluster);

/// Seconds until every rank has its stage's part of a checkpoint again, which the host of rank 0
/// reads and sends to one after the other.
[[nodiscard]] double reload_s(const Plan& plan, const Profile& profile, const Cluster& cluster);

/// Mean seconds between the failures of the hosts that the plan uses, if each fails by itself, and
/// those of one machine with it: one over the sum of one over each (`host_mtbf_s`; of a machine the
/// least of its hosts').
[[nodiscard]] double plan_mtbf_s(const Plan& plan, const Cluster& cluster);

}  // namespace cadastre
