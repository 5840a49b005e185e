#pragma once

#include <cstdint>
#include <vector>

#include "planner/division.h"
#include "planner/objective.h"
#include "planner/prediction.h"

namespace cadastre {

/// What the search decides: which layers and which hosts form each stage. Everything else follows
/// (`complete`). No layer reads one of a later stage, so the stages are convex and in a topological
/// order.
struct Draft {
  std::vector<int> stage_of_layer;
  std::vector<std::vector<int>> stage_hosts;  ///< in replica order; a host in several stages makes
                                              ///< the plan interleaved
  bool operator==(const Draft&) const = default;
};

/// How many stages a host may have in an interleaved plan; each of them has that host alone.
inline constexpr int kMostStagesOfHost = 2;

[[nodiscard]] bool interleaved(const Draft& draft);

/// Removes stages without layers, and unites what follows each other on the same one host.
void tidy_stages(Draft& draft);

/// A plan that was evaluated.
struct Candidate {
  Division division;
  Prediction predicted;
  double value = 0;  ///< of the objective, minimised
};

/// A plan with its program.
struct LoweredDivision {
  Division division;
  Program program;
};

/// How plans are compared: by the objective among those that fit in memory and keep the
/// constraints.
struct Goal {
  Objective objective = Objective::kStepTime;
  std::vector<Constraint> constraints;
};

/// The schedules that a draft allows: where several take as long, the first holds least in memory.
[[nodiscard]] std::vector<Schedule> allowed_schedules(const Draft& draft);

/// The plans of `draft` and so many micro-batches: one for each schedule of `schedules`. Shares let
/// a stage's replicas finish together (`balanced_shares`; there is no plan when a replica would get
/// no samples, or when the program would have more than some 4 million instructions). A stage
/// recomputes where a host lacks memory otherwise: of a host's stages those that save most first,
/// until it fits. Where memory is the objective, there are as many plans more, in which every stage
/// does.
[[nodiscard]] std::vector<LoweredDivision> complete(const Draft& draft, std::int64_t batch_size,
                                                    std::int64_t micro_batches, const Goal& goal,
                                                    const PlanningProblem& problem,
                                                    const std::vector<Schedule>& schedules);

/// With each that it allows.
[[nodiscard]] std::vector<LoweredDivision> complete(const Draft& draft, std::int64_t batch_size,
                                                    std::int64_t micro_batches, const Goal& goal,
                                                    const PlanningProblem& problem);

/// Its prediction as far as the goal needs it.
[[nodiscard]] Candidate evaluate(LoweredDivision lowered, const Goal& goal,
                                 const PlanningProblem& problem);

/// Whether the candidate fits in memory and keeps the goal's constraints.
[[nodiscard]] bool acceptable(const Candidate& candidate, const Goal& goal);
}  // namespace cadastre
