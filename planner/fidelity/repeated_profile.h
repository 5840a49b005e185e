#pragma once

#include <vector>

#include "planner/profile.h"

namespace cadastre {

/// Of profiles of one model on one device, for each size of batch that of the round in which the
/// whole network was fastest: what disturbs only ever adds. `profiles` must not be empty.
[[nodiscard]] Profile least_disturbed(const std::vector<Profile>& profiles);

/// Costs that are `part` of the way from those of a profile to those of another of the same model
/// at the same sizes of batch.
[[nodiscard]] Profile between(const Profile& alone, const Profile& beside, double part);

}  // namespace cadastre
