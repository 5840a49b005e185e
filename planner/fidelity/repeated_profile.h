#pragma once

#include <vector>

#include "planner/fidelity/contention.h"
#include "planner/profile.h"

namespace cadastre {

/// Of profiles of one model on one device at the same sizes of batch, for each size the costs of
/// the one that is the median for the whole network (of an even number the mean of the two in the
/// middle), and likewise for what a step takes beside it. `profiles` must not be empty.
[[nodiscard]] Profile typical_profile(const std::vector<Profile>& profiles);

/// Costs that are part of the way from those of a profile to those of another of the same model at
/// the same sizes of batch: of what computing takes the part that others compute meanwhile, and of
/// what it takes longer after a wait, that of the wait.
[[nodiscard]] Profile between(const Profile& alone, const Profile& beside, const UseBeside& use);

/// The profile of processors that take `factor` times as long for all that they compute.
[[nodiscard]] Profile slowed(const Profile& profile, double factor);

}  // namespace cadastre
