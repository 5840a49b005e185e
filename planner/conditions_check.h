#pragma once

#include <string>

#include "planner/cluster.h"
#include "planner/conditions.h"

namespace cadastre {

/// Throws InputError (`file`, JSON pointer) for conditions that name what the cluster has not, that
/// say two things of one host or link, or that have a link vary between steps and slowed down, too.
void check_conditions(const Conditions& conditions, const std::string& file,
                      const Cluster& cluster);

}  // namespace cadastre
