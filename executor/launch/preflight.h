#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "executor/launch/rank_hello.h"

namespace cadastre {

/// Throws InputError that names rank and host unless all ranks are of one start, run the same
/// version of the program and were asked for the same thing. By number.
void check_hellos(const std::vector<RankHello>& hellos, const std::string& request);

/// What a rank is going to hold.
struct RankNeed {
  std::string name;  ///< "rank 1 (host b, stage 2)"
  std::int64_t peak_memory_bytes = 0;
};

/// Throws InputError that names the rank for which its machine has not enough free memory, those
/// before it on the same machine considered. By rank.
void check_memory(const std::vector<RankHello>& hellos, const std::vector<RankNeed>& needs);

/// Threads to compute with, for a host of so many cores in the plan: as many, but no more than the
/// process may use, shared with other ranks that may use the same. By rank.
[[nodiscard]] std::vector<int> rank_threads(const std::vector<RankHello>& hellos,
                                            const std::vector<int>& planned_cores);

}  // namespace cadastre
