#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "planner/conditions.h"
#include "planner/planner.h"
#include "planner/simulation.h"

namespace cadastre {

/// Steps that a robust choice replays of each plan, unless the conditions ask for more than one.
inline constexpr std::int64_t kRobustSteps = 400;

/// Of fewer steps, a 95th percentile says little.
inline constexpr std::int64_t kLeastRobustSteps = 100;

/// What a plan is to be robust against: `stated`, with the jitter of instructions that the profile
/// measured and steps that vary by the cluster's spreads, where it says nothing of these, and with
/// `kRobustSteps`. `file` names `stated` in what is refused; empty: there is none, and what is
/// refused is the cluster's, whose file is `cluster_file`.
/// Throws InputError where nothing varies, where there are too few steps, and for conditions that
/// do not go with the cluster.
[[nodiscard]] Conditions robust_conditions(const Conditions& stated, const std::string& file,
                                           const Cluster& cluster, const std::string& cluster_file);

/// Replays a document's plan and other plans, in this order: `replayed_plans`.
using ReplayPlans = std::function<Simulation(const PlanDocument&, const std::vector<Plan>&)>;

/// Called as plans are searched for and replayed: what is done, of how much.
using OnRobustProgress = std::function<void(std::size_t done, std::size_t all)>;

/// Makes the plan whose 95th percentile of simulated steps under `conditions` is least the
/// document's plan. Its rivals are the runners-up, the baselines, and what the search finds where
/// hosts and links are as slow as in bad steps (`slowed_clusters`), put on the real cluster; as in
/// `choose_by_simulation`, they keep the constraints of `options`, by which `document` was planned
/// and whose time limit holds for these searches together, too. All meet the same good and bad
/// steps. A rival must be better by half a percent: less is chance.
///
/// Sets the mean, median and 95th percentile of all that were replayed. A plan is not replayed
/// where its step, were nothing to vary, is already longer than the document's plan takes with
/// everything as slow as in one step of a hundred by the spreads of the conditions.
void choose_robustly(PlanDocument& document, const PlannerOptions& options,
                     const Conditions& conditions, const ReplayPlans& replay,
                     const OnRobustProgress& on_progress = {});

}  // namespace cadastre
