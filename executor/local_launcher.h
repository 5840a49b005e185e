#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "executor/rank_channel.h"

namespace cadastre {

/// A process to start for a rank: this program again, with another verb.
struct RankProcess {
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;  ///< beside what is inherited
  std::string name;                                ///< in errors: `rank 1 (host b, stage 2)`
  int num_threads = 1;  ///< that compute: as many processors are its own, where there are enough
};

/// Starts one local process for each rank and waits for all of them. `on_message(rank, message)` is
/// called for each step and value that a rank reports.
///
/// When a rank dies, all others are ended within a second and std::runtime_error names the one that
/// died first and how; an InputError of a rank is thrown here as one. SIGINT and SIGTERM end the
/// ranks too. No process outlives this call, nor the death of the calling process.
void run_local_ranks(const std::vector<RankProcess>& processes,
                     const std::function<void(int rank, const RankMessage&)>& on_message);

/// Called first in a started rank: it dies with its launcher and keeps to its processors.
void become_rank();

}  // namespace cadastre
