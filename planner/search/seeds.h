#pragma once

#include <vector>

#include "planner/search/draft.h"

namespace cadastre {

/// Drafts to begin from, of every kind: one host; all layers on the fastest k; stages one after the
/// other on k hosts or groups of hosts, in several orders of layers; and, where the model has
/// branches, stages side by side on them. All in proportion to the hosts' speeds.
[[nodiscard]] std::vector<Draft> seed_drafts(const PlanningProblem& problem,
                                             std::int64_t micro_batch_samples);

}  // namespace cadastre
