#include "simulator/study/unit.h"

#include <algorithm>

#include "planner/error.h"
#include "planner/objective.h"
#include "planner/prediction.h"
#include "planner/program.h"
#include "planner/program_costs.h"
#include "planner/study/settings.h"
#include "simulator/replay.h"

namespace cadastre {

namespace {

bool is_compute(InstructionKind kind) {
  switch (kind) {
    case InstructionKind::kLoadMicroBatch:
    case InstructionKind::kForward:
    case InstructionKind::kRecompute:
    case InstructionKind::kBackward:
    case InstructionKind::kOptimizerStep:
      return true;
    default:
      return false;
  }
}

/// [rank] the part of the step in which it computes.
std::vector<double> utilizations(const Timeline& timeline) {
  std::vector<double> parts(timeline.ranks.size(), 0);
  if (timeline.step_s <= 0) return parts;
  for (const TimelineEvent& event : timeline.events)
    if (is_compute(event.kind))
      parts[static_cast<std::size_t>(event.rank)] +=
          (event.end_s - event.start_s) / timeline.step_s;
  return parts;
}

StudyFigures figures_of(const Plan& plan, const Cluster& cluster, const Program& program,
                        const Timeline& timeline) {
  constexpr double kSecondsPerHour = 3600;
  constexpr double kMillion = 1e6;
  const double step_s = timeline.step_s;
  const auto samples = static_cast<double>(plan.batch_size);
  StudyFigures figures;
  figures.simulated_step_s = step_s;
  figures.predicted_step_s = plan.predicted.step_s;
  figures.throughput_samples_per_s = step_s > 0 ? samples / step_s : 0;
  figures.traffic_bytes_per_step = static_cast<double>(traffic_bytes(program));
  figures.peak_memory_bytes = static_cast<double>(plan.predicted.peak_memory_bytes);
  figures.num_hosts = static_cast<double>(program.ranks.size());
  const std::vector<double> parts = utilizations(timeline);
  figures.utilization_min = *std::min_element(parts.begin(), parts.end());
  figures.utilization_max = *std::max_element(parts.begin(), parts.end());
  for (const double part : parts)
    figures.utilization_mean += part / static_cast<double>(parts.size());
  for (const RankProgram& rank : program.ranks) {
    const Host& host = cluster.hosts[static_cast<std::size_t>(rank.host_index)];
    figures.energy_j_per_sample += host.watts * step_s / samples;
    figures.price_per_hour += host.price_per_hour;
  }
  figures.price_per_million_samples =
      figures.price_per_hour / kSecondsPerHour * step_s / samples * kMillion;
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

StudyOutcome replayed(const Plan& plan, const Profile& profile, const Cluster& cluster) {
  const Program program = lower(plan, profile.model, cluster);
  const Timeline timeline =
      replay(program, program_costs(program, plan, profile, cluster), cluster);
  return {.fits_memory = plan.predicted.fits_memory,
          .figures = figures_of(plan, cluster, program, timeline),
          .plan = study_plan(plan)};
}

}  // namespace

StudyOutcome study_unit(const StudyInputs& inputs) {
  if (inputs.plan) {
    Plan plan = *inputs.plan;
    plan.predicted = predict(plan, *inputs.profile, inputs.cluster);
    return replayed(plan, *inputs.profile, inputs.cluster);
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
  return replayed(document.plan, *inputs.profile, inputs.cluster);
}

}  // namespace cadastre
