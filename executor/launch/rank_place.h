#pragma once

#include <string>

#include "executor/launch/rank_link.h"

namespace cadastre {

/// What a rank knows of where it is to be reached.
struct RankPlace {
  std::string interface;        ///< that it was told to use; empty: any
  std::string planned_host;     ///< the plan's host
  std::string planned_address;  ///< and its address, a name or number; may be empty
  bool has_other_machines = false;
};

/// The numeric address at which the other ranks reach this one: of the interface, else the plan's,
/// else that towards the coordinator. Throws InputError when the interface does not exist, when the
/// plan's address is not of this machine, and when other machines are to reach a loopback address.
[[nodiscard]] std::string rank_address(const RankPlace& place, const RankLink& link);

}  // namespace cadastre
