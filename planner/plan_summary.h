#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "planner/objective.h"
#include "planner/plan.h"

namespace cadastre {

/// What `cadastre plan` prints: the table of strategies, the stages, the hosts, the bound.
[[nodiscard]] std::string plan_summary(const PlanDocument& document);

/// The same with --json.
[[nodiscard]] nlohmann::json plan_summary_json(const PlanDocument& document);

/// Of a front of two objectives: a row a plan.
[[nodiscard]] std::string front_summary(const std::vector<PlanDocument>& front);

[[nodiscard]] nlohmann::json front_summary_json(const std::vector<PlanDocument>& front);

/// "No plan" is a result: this names the host that lacks most memory, or the limits that are missed.
[[nodiscard]] std::string no_plan_text(const PlanDocument& document,
                                       const std::vector<Constraint>& constraints);

}  // namespace cadastre
