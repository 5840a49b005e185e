#pragma once

#include <string>
#include <vector>

#include "planner/plan.h"

namespace cadastre {

/// Why this plan, in sentences with numbers: what it is, which host it waits for, what the others
/// spend their time on, what memory allowed, what other links or hosts would change, what the next
/// best plans of other kinds cost, and how sure the search is.
[[nodiscard]] std::vector<std::string> explain(const PlanDocument& document);

/// single, data-parallel, pipeline, branch, hybrid or interleaved: see `kind_of`.
[[nodiscard]] std::string plan_kind(const Plan& plan, const ModelGraph& model,
                                    const Cluster& cluster);

}  // namespace cadastre
