#include "simulator/rehearsal.h"

#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "planner/checkpoint_cost.h"
#include "planner/checkpoint_interval.h"
#include "planner/error.h"
#include "planner/plan_check.h"
#include "planner/routes.h"
#include "planner/survivor_table.h"
#include "planner/survivors.h"
#include "simulator/isolated.h"
#include "simulator/simulate.h"

namespace cadastre {

namespace {

double simulated_step_s(const PlanDocument& document) {
  const std::vector<IsolatedResult> results = run_isolated(
      {[&] {
        return nlohmann::json(simulate_plan(document.plan, document, {}).simulated_step_s).dump();
      }},
      1);
  if (!results.front().error.empty()) throw std::runtime_error(results.front().error);
  return nlohmann::json::parse(results.front().output).get<double>();
}

RehearsedPlan rehearsed(const PlanDocument& document, const RehearsalOptions& options) {
  const Plan& plan = document.plan;
  const CheckpointCost cost = checkpoint_cost(plan, document.profile, document.cluster);
  RehearsedPlan made;
  made.plan = strategy_in_short(document) + " on " + stages_in_short(plan);
  std::set<std::string> hosts;
  for (const Stage& stage : plan.stages)
    for (const Replica& replica : stage.replicas) hosts.insert(replica.host);
  if (!plan.all_reduce.root.empty()) hosts.insert(plan.all_reduce.root);
  made.hosts.assign(hosts.begin(), hosts.end());
  made.step_s = simulated_step_s(document);
  made.checkpoint_every =
      options.checkpoint_every ? *options.checkpoint_every : checkpoint_every(document);
  made.checkpoint_s = cost.copy_s;
  made.send_s = cost.send_s;
  made.reload_s = reload_s(plan, document.profile, document.cluster);
  return made;
}

std::vector<HostFailure> checked_failures(const PlanDocument& document,
                                          const RehearsalOptions& options) {
  std::vector<HostFailure> failures;
  std::set<std::string> seen;
  for (const std::string& text : options.failures) {
    const HostFailure failure = host_failure_from(text);
    if (host_index(document.cluster, failure.host) < 0)
      throw InputError("--fail " + text, "", host_expected(failure.host, document.cluster));
    if (!options.same_plan && !seen.insert(failure.host).second)
      throw InputError("--fail " + text, "",
                       "expected each host once (with --same-plan they come back), found " +
                           failure.host + " again");
    failures.push_back(failure);
  }
  return failures;
}

}  // namespace

Rehearsal rehearse_failures(const PlanDocument& document, const RehearsalOptions& options) {
  const std::vector<HostFailure> failures = checked_failures(document, options);
  const RehearsedPlan first = rehearsed(document, options);
  const auto next = [&](const std::vector<std::string>& lost) {
    if (options.same_plan) return first;
    const SurvivorPlan survivor = plan_without(document, lost);
    if (!survivor.plan)
      throw InputError("--fail", "",
                       "expected a plan after the loss of " + lost.back() +
                           ", found none: " + survivor.why_none);
    return rehearsed(*survivor.plan, options);
  };
  return rehearse(options.num_steps, first, failures, options.restart_s, next);
}

}  // namespace cadastre
