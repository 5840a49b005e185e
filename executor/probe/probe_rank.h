#pragma once

#include <string>

#include "executor/launch/rank_link.h"

namespace cadastre {

/// What each rank of a probe does: measures as its job says, and tells the coordinator. `interface`
/// as in `RankPlace`.
void probe_as_rank(const std::string& interface, RankLink& link);

}  // namespace cadastre
