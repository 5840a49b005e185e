#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "planner/plan.h"

namespace cadastre {

/// What `cadastre plan` prints: the table of strategies, the stages, the hosts, the bound.
[[nodiscard]] std::string plan_summary(const PlanDocument& document);

/// The same with --json.
[[nodiscard]] nlohmann::json plan_summary_json(const PlanDocument& document);

/// Of a front of two objectives: a row a plan.
[[nodiscard]] std::string front_summary(const std::vector<PlanDocument>& front);

[[nodiscard]] nlohmann::json front_summary_json(const std::vector<PlanDocument>& front);

}  // namespace cadastre
