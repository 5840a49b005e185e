#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "planner/survivors.h"

namespace cadastre {

/// More plannings than this are refused: each takes up to as long as the plan itself.
inline constexpr std::size_t kMostLosses = 1000;

/// Every set of 1 to `most_lost` hosts of the cluster (each host, each pair, …), small ones first.
/// Throws InputError of `--survivors` when there are more than `kMostLosses`, or no host would be
/// left.
[[nodiscard]] std::vector<std::vector<std::string>> losses(const Cluster& cluster, int most_lost);

/// What would follow each loss. `on_planned(i)` is called when i are planned.
[[nodiscard]] std::vector<SurvivorPlan> plan_losses(
    const PlanDocument& document, const std::vector<std::vector<std::string>>& losses,
    const SearchEffort& effort, const std::function<void(std::size_t)>& on_planned = {});

/// The strategy of the document's plan; of one that was searched, what kind it is.
[[nodiscard]] std::string strategy_in_short(const PlanDocument& document);

/// The hosts of each stage: "a | b, c".
[[nodiscard]] std::string stages_in_short(const Plan& plan);

/// A row a loss: the plan that follows, its predicted step beside that of the document's plan.
[[nodiscard]] std::string survivor_table(const PlanDocument& document,
                                         const std::vector<SurvivorPlan>& survivors);
[[nodiscard]] nlohmann::json survivors_json(const PlanDocument& document,
                                            const std::vector<SurvivorPlan>& survivors);

/// The losses that no plan follows, each with why; empty where there is none.
[[nodiscard]] std::string fatal_losses(const std::vector<SurvivorPlan>& survivors);

}  // namespace cadastre
