#pragma once

#include <string>
#include <vector>

#include "executor/launch/rank_hello.h"

namespace cadastre {

/// A host of a plan, as the cluster document has it.
struct PlannedHost {
  std::string name;
  std::string address;  ///< a name or number; may be empty
};

/// The rank (index in `hosts`) that each started process becomes: where every process is on a
/// machine that one of the hosts names, by name or address, and no two on the same, the rank of
/// that host; otherwise the number that its launcher gave it.
[[nodiscard]] std::vector<int> assign_ranks(const std::vector<RankHello>& hellos,
                                            const std::vector<PlannedHost>& hosts);

/// Whether the processes are on more than one machine.
[[nodiscard]] bool on_several_machines(const std::vector<RankHello>& hellos);

}  // namespace cadastre
