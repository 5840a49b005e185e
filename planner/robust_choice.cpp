#include "planner/robust_choice.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "planner/conditions_check.h"
#include "planner/error.h"
#include "planner/log_normal.h"
#include "planner/prediction.h"
#include "planner/replayed_plans.h"
#include "planner/routes.h"
#include "planner/slowed_clusters.h"
#include "planner/step_spreads.h"

namespace cadastre {

namespace {

constexpr double kWorstHundredthOfNormal = 2.3263478740408408;
constexpr double kChance = 0.005;

const StepVariation& variation_of(const Conditions& conditions) {
  static const StepVariation as_the_cluster;
  return conditions.jitter && conditions.jitter->between_steps ? *conditions.jitter->between_steps
                                                               : as_the_cluster;
}

/// How many times longer a step may be when all goes badly: with everything that varies as slow as
/// in one step of a hundred.
double worst_factor(const Conditions& conditions, const StepSpreads& spreads) {
  // These have no worst by themselves.
  if (!conditions.slowdowns.empty() || !conditions.background_traffic.empty())
    return std::numeric_limits<double>::infinity();
  constexpr double kLeast = 1.5;  // the measured jitter of instructions, and what waits for others
  double most = conditions.jitter ? conditions.jitter->relative_spread.value_or(0) : 0;
  for (const std::vector<double>* each : {&spreads.hosts, &spreads.links})
    for (const double spread : *each) most = std::max(most, spread);
  return std::max(kLeast, std::exp(kWorstHundredthOfNormal * log_normal_deviation(most)));
}

/// The two best plans that are found for each of the slowed clusters, put on the real one.
std::vector<Plan> plans_for_bad_steps(const PlanDocument& document, const PlannerOptions& options,
                                      const std::vector<Cluster>& clusters,
                                      const std::function<void()>& on_searched) {
  PlannerOptions search = options;
  search.time_limit_s = options.time_limit_s / static_cast<double>(clusters.size());
  search.on_progress = {};
  // Limits hold on the real cluster: there they are checked.
  std::erase_if(search.constraints, [](const Constraint& constraint) {
    return constraint.objective != Objective::kMemory;
  });
  std::vector<Plan> plans;
  for (const Cluster& cluster : clusters) {
    PlanDocument found = make_plan(document.profile, cluster, search);
    std::vector<Plan> rivals = rivals_in(found, search.constraints);
    const auto second = std::min_element(
        rivals.begin(), rivals.end(),
        [](const Plan& a, const Plan& b) { return a.predicted.step_s < b.predicted.step_s; });
    if (second != rivals.end()) plans.push_back(std::move(*second));
    plans.push_back(std::move(found.plan));
    on_searched();
  }
  for (Plan& plan : plans) plan.predicted = predict(plan, document.profile, document.cluster);
  return plans;
}

void take_times(Plan& plan, const SimulatedPlan& simulated) {
  plan.simulated_step_s = simulated.simulated_step_s;
  plan.simulated_median_s = simulated.figures.steps.median_s;
  plan.simulated_p95_s = simulated.figures.steps.p95_s;
}

}  // namespace

Conditions robust_conditions(const Conditions& stated, const std::string& file,
                             const Cluster& cluster, const std::string& cluster_file) {
  check_conditions(stated, file, cluster);
  Conditions conditions = stated;
  if (conditions.num_steps == 1) conditions.num_steps = kRobustSteps;
  if (conditions.num_steps < kLeastRobustSteps)
    throw InputError(file, "/num_steps",
                     "expected " + std::to_string(kLeastRobustSteps) +
                         " steps or more, of which the 95th percentile says something, found " +
                         std::to_string(conditions.num_steps));
  if (!conditions.failures.empty())
    throw InputError(file, "/failures",
                     "expected none: --robust chooses a plan by its steps, not by what it loses");
  if (!conditions.jitter) conditions.jitter.emplace();
  // How long a factor lasts hardly matters to a percentile of steps, but the more there are of
  // them, the better it is known.
  if (!conditions.jitter->between_steps)
    conditions.jitter->between_steps = StepVariation{.correlation_steps = 1};
  const bool varies = step_spreads(cluster, Routes(cluster), variation_of(conditions)).any() ||
                      conditions.jitter->relative_spread.value_or(0) > 0 ||
                      !conditions.slowdowns.empty() || !conditions.background_traffic.empty();
  if (varies) return conditions;
  const std::string how =
      "found none: `cadastre probe` measures \"speed_spread\" and \"bandwidth_spread\", or state "
      "them in the cluster, or in a conditions document by --conditions";
  if (file.empty())
    throw InputError(cluster_file, "/hosts",
                     "expected a host or link that varies between steps, for --robust, " + how);
  throw InputError(file, "/jitter/between_steps/spreads",
                   "expected a host or link that varies between steps, here or in " + cluster_file +
                       ", for --robust, " + how);
}

void choose_robustly(PlanDocument& document, const PlannerOptions& options,
                     const Conditions& conditions, const ReplayPlans& replay,
                     const OnRobustProgress& on_progress) {
  const Routes routes(document.cluster);
  const StepSpreads spreads = step_spreads(document.cluster, routes, variation_of(conditions));
  const std::vector<Cluster> clusters = slowed_clusters(document.cluster, routes, spreads);
  std::size_t done = 0;
  const auto on_done = [&] {
    if (on_progress) on_progress(++done, clusters.size() + 1);
  };

  PlanDocument all = document;
  for (Plan& plan : plans_for_bad_steps(document, options, clusters, on_done))
    all.runners_up.push_back(std::move(plan));
  const double most_s = document.plan.predicted.step_s * worst_factor(conditions, spreads);
  std::vector<Plan> candidates = {document.plan};
  for (Plan& rival : rivals_in(all, options.constraints)) {
    const bool is_known = std::any_of(candidates.begin(), candidates.end(), [&](const Plan& known) {
      return is_same_division(known, rival);
    });
    if (!is_known && rival.predicted.step_s <= most_s) candidates.push_back(std::move(rival));
  }

  const Simulation simulation =
      replay(document, std::vector<Plan>(candidates.begin() + 1, candidates.end()));
  std::size_t best = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    take_times(candidates[i], simulation.plans.at(i));
    const double enough = best == 0 ? 1 - kChance : 1;
    if (i > 0 && *candidates[i].simulated_p95_s < *candidates[best].simulated_p95_s * enough)
      best = i;
  }
  on_done();
  for (std::vector<Plan>* plans : {&document.runners_up, &document.alternatives})
    for (Plan& plan : *plans)
      for (std::size_t i = 0; i < candidates.size(); ++i)
        if (plan.averaging_period == 0 && is_same_division(plan, candidates[i]))
          take_times(plan, simulation.plans[i]);
  document.plan = candidates.front();
  if (best > 0) replace_plan(document, candidates[best]);
}

}  // namespace cadastre
