#pragma once

#include "planner/cluster.h"
#include "planner/division.h"
#include "planner/model_facts.h"
#include "planner/model_graph.h"
#include "planner/plan.h"
#include "planner/program.h"

namespace cadastre {

/// Lowers a checked plan (see `check_plan`) for its model and cluster.
[[nodiscard]] Program lower(const Plan& plan, const ModelGraph& model, const Cluster& cluster);

/// The same by numbers, for the search: `host` of the ranks stays empty.
[[nodiscard]] Program lower(const Division& division, const ModelFacts& model);

}  // namespace cadastre
