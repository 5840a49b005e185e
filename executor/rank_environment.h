#pragma once

#include "executor/communicator.h"

namespace cadastre {

/// Which rank this process is, and where it meets the others.
struct RankEnvironment {
  int rank = 0;
  int num_ranks = 1;
  Rendezvous rendezvous;
};

/// From RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, as torchrun sets them. Throws InputError for
/// one that is missing or no number.
[[nodiscard]] RankEnvironment rank_environment();

}  // namespace cadastre
