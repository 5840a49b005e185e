#include "simulator/study/unit.h"

#include <algorithm>

#include "planner/error.h"
#include "planner/lowering.h"
#include "planner/objective.h"
#include "planner/prediction.h"
#include "planner/program.h"
#include "planner/study/settings.h"
#include "simulator/environment.h"
#include "simulator/simulate.h"

namespace cadastre {

namespace {

StudyFigures figures_of(const Plan& plan, const SimulatedPlan& simulated, const Cluster& cluster) {
  constexpr double kMillion = 1e6;
  const double step_s = simulated.simulated_step_s;
  const auto samples = static_cast<double>(plan.batch_size);
  const std::vector<SimulatedHost>& hosts = simulated.figures.hosts;
  StudyFigures figures;
  figures.simulated_step_s = step_s;
  figures.step_p5_s = simulated.figures.steps.p5_s;
  figures.step_p95_s = simulated.figures.steps.p95_s;
  figures.predicted_step_s = plan.predicted.step_s;
  figures.throughput_samples_per_s = step_s > 0 ? samples / step_s : 0;
  figures.traffic_bytes_per_step = static_cast<double>(simulated.traffic_bytes_per_step);
  figures.peak_memory_bytes = static_cast<double>(plan.predicted.peak_memory_bytes);
  figures.num_hosts = static_cast<double>(hosts.size());
  figures.utilization_min = 1;
  for (const SimulatedHost& host : hosts) {
    // Rounding must not make more than the whole of it.
    const double part = step_s > 0 ? std::min(1.0, host.compute_s / step_s) : 0;
    figures.utilization_min = std::min(figures.utilization_min, part);
    figures.utilization_max = std::max(figures.utilization_max, part);
    figures.utilization_mean += part / static_cast<double>(hosts.size());
    figures.energy_j_per_sample += host.energy_j / samples;
    figures.price_per_million_samples += host.price / samples * kMillion;
    figures.price_per_hour +=
        cluster.hosts[static_cast<std::size_t>(host_index(cluster, host.host))].price_per_hour;
  }
  figures.inference_latency_s = plan.predicted.latency_s;
  figures.inference_samples_per_s = plan.predicted.inference_samples_per_s;
  return figures;
}

StudyOutcome no_plan(const std::string& why) {
  return {.kind = StudyOutcomeKind::kNoPlan, .error = why};
}

/// Where the nearest plan lacks most memory.
std::string lacking_text(const Prediction& predicted, const Cluster& cluster) {
  std::string text = "no plan fits in memory";
  std::int64_t most = 0;
  for (const HostPrediction& host : predicted.hosts) {
    const std::int64_t lacking =
        host.peak_memory_bytes -
        cluster.hosts[static_cast<std::size_t>(host_index(cluster, host.host))].memory_bytes;
    if (lacking <= most) continue;
    most = lacking;
    text = "no plan fits in memory: the nearest lacks " + std::to_string(lacking) + " bytes on " +
           host.host;
  }
  return text;
}

/// The best of the document's plans that can run under `schedule`, with it; false when none can.
bool choose_under(Schedule schedule, PlanDocument& document, Objective objective) {
  std::vector<Plan> plans = {document.plan};
  plans.insert(plans.end(), document.runners_up.begin(), document.runners_up.end());
  bool found = false;
  double least = 0;
  for (Plan& plan : plans) {
    // Only under the interleaved schedule may a host have several stages.
    if ((plan.schedule == Schedule::kInterleaved) != (schedule == Schedule::kInterleaved)) continue;
    plan.schedule = schedule;
    plan.predicted = predict(plan, document.profile, document.cluster);
    if (!plan.predicted.fits_memory) continue;
    const double value =
        minimised(objective, objective_value(plan.predicted, objective, plan.batch_size));
    if (found && value >= least) continue;
    found = true;
    least = value;
    document.plan = plan;
  }
  return found;
}

StudyOutcome replayed(const Plan& plan, const StudyInputs& inputs) {
  PlanDocument document;
  document.plan = plan;
  document.profile = *inputs.profile;
  document.cluster = inputs.cluster;
  check_conditions(inputs.conditions, "conditions",
                   lower(plan, document.profile.model, document.cluster), document.cluster);
  const SimulatedPlan simulated = simulate_plan(plan, document, {.conditions = inputs.conditions});
  return {.fits_memory = plan.predicted.fits_memory,
          .figures = figures_of(plan, simulated, inputs.cluster),
          .plan = study_plan(plan)};
}

}  // namespace

StudyOutcome study_unit(const StudyInputs& inputs) {
  if (inputs.plan) {
    Plan plan = *inputs.plan;
    plan.predicted = predict(plan, *inputs.profile, inputs.cluster);
    return replayed(plan, inputs);
  }
  PlanDocument document;
  try {
    document = make_plan(*inputs.profile, inputs.cluster, planner_options(inputs.settings));
  } catch (const InputError& error) {
    // The settings were checked: what is left is a strategy that divides nothing here.
    return no_plan(error.what());
  }
  if (!document.search.feasible)
    return no_plan(lacking_text(document.plan.predicted, inputs.cluster));
  if (inputs.settings.schedule &&
      !choose_under(*inputs.settings.schedule, document, inputs.settings.objective))
    return no_plan("no plan that was found runs under the schedule " +
                   schedule_name(*inputs.settings.schedule) + " and fits in memory");
  return replayed(document.plan, inputs);
}

}  // namespace cadastre
