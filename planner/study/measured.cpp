#include "planner/study/measured.h"

#include <algorithm>

#include "planner/table.h"

namespace cadastre {

namespace {

/// Passes over the training samples that a run made; 0 where that is not known.
double epochs_of(const RunRecord& run) {
  const TrainingSettings& training = run.training;
  const auto num_steps = static_cast<std::int64_t>(run.steps.size());
  if (training.samples_per_epoch > 0)
    return static_cast<double>(num_steps * run.batch_size) /
           static_cast<double>(training.samples_per_epoch);
  if (training.max_steps > 0 && num_steps >= training.max_steps) return 0;
  return static_cast<double>(training.epochs);
}

/// The median of what a step takes in each round of `period`, after the first; 0 where there is but
/// one. Most steps of a round are over before the averaging that they wait for.
double round_step_s(const RunRecord& run, std::size_t period) {
  std::vector<double> rounds_s;
  for (std::size_t end = 2 * period; end <= run.steps.size(); end += period)
    rounds_s.push_back((run.steps[end - 1].end_s - run.steps[end - period - 1].end_s) /
                       static_cast<double>(period));
  if (rounds_s.empty()) return 0;
  std::sort(rounds_s.begin(), rounds_s.end());
  const std::size_t middle = rounds_s.size() / 2;
  return rounds_s.size() % 2 == 1 ? rounds_s[middle]
                                  : (rounds_s[middle - 1] + rounds_s[middle]) / 2;
}

double step_s_of(const RunRecord& run, std::int64_t averaging_period) {
  if (averaging_period <= 1) return run.measured_step_s;
  const double round_s = round_step_s(run, static_cast<std::size_t>(averaging_period));
  return round_s > 0 ? round_s : run.measured_step_s;
}

/// Of the thread that computes, in the typical step.
double thread_part(const Timeline& timeline, std::size_t rank) {
  double cpu_s = 0;
  for (const TimelineEvent& event : timeline.events)
    if (event.rank == static_cast<int>(rank)) cpu_s += event.cpu_s;
  return timeline.step_s > 0 ? cpu_s / timeline.step_s : 0;
}

StudyPlan plan_of(const PlanDocument& document) { return study_plan(document.plan); }

}  // namespace

MeasuredArchitecture measured_architecture(const RunRecord& run, const Timeline& timeline,
                                           const PlanDocument& document) {
  MeasuredArchitecture measured;
  measured.strategy = run.strategy;
  measured.plan = plan_of(document);
  measured.step_s = step_s_of(run, document.plan.averaging_period);
  measured.traffic_bytes_per_step = run.traffic_bytes_per_step;
  const double epochs = epochs_of(run);
  if (epochs > 0)
    measured.epoch_s = measured.step_s * static_cast<double>(run.steps.size()) / epochs;
  for (std::size_t rank = 0; rank < timeline.ranks.size(); ++rank) {
    MeasuredHost host;
    host.name = timeline.ranks[rank].host;
    double part = thread_part(timeline, rank);
    if (rank < run.host_use.size()) {
      const HostUse& use = run.host_use[rank];
      if (use.step_s > 0 && use.cores > 0) part = use.cpu_s_per_step / (use.step_s * use.cores);
      host.sent_bytes = use.sent_bytes_per_step;
      host.received_bytes = use.received_bytes_per_step;
    }
    // Clocks of processor time may tick past the end of a step, and quotas be kept late.
    host.processor_part = std::min(1.0, part);
    for (const HostPrediction& predicted : document.plan.predicted.hosts)
      if (predicted.host == host.name) host.predicted_bytes = predicted.sent_bytes;
    measured.hosts.push_back(std::move(host));
  }
  if (run.metrics) {
    measured.overall_accuracy = run.metrics->overall_accuracy;
    measured.kappa = run.metrics->kappa;
  }
  return measured;
}

std::vector<MeasuredHost> computing_hosts(const MeasuredArchitecture& measured) {
  std::vector<MeasuredHost> computing;
  for (const MeasuredHost& host : measured.hosts)
    if (std::any_of(measured.plan.stages.begin(), measured.plan.stages.end(), [&](const auto& of) {
          return std::find(of.hosts.begin(), of.hosts.end(), host.name) != of.hosts.end();
        }))
      computing.push_back(host);
  return computing;
}

double mean_processor_part(const MeasuredArchitecture& measured) {
  const std::vector<MeasuredHost> computing = computing_hosts(measured);
  double sum = 0;
  for (const MeasuredHost& host : computing) sum += host.processor_part;
  return computing.empty() ? 0 : sum / static_cast<double>(computing.size());
}

std::string measured_name(const MeasuredArchitecture& measured) {
  std::string name = "measured";
  for (const std::string* part : {&measured.machines, &measured.network, &measured.setting})
    if (!part->empty()) name += ", " + *part;
  return name;
}

std::string measured_table(const std::vector<MeasuredArchitecture>& measured) {
  constexpr double kMilli = 1e3;
  constexpr double kMega = 1e6;
  constexpr double kPercent = 100;
  const auto optional_cell = [](const std::optional<double>& value, double factor, int decimals) {
    return value ? fixed(*value * factor, decimals) : std::string("-");
  };
  const std::vector<std::string> heading = {"step ms",     "epoch s",    "traffic MB",
                                            "hosts",       "processor %", "accuracy %",
                                            "kappa",       "inference us/px"};
  std::string text;
  std::vector<std::vector<std::string>> table;
  for (const MeasuredArchitecture& of : measured) {
    const std::string name = measured_name(of);
    // One table a setting: rows of the same follow each other.
    if (table.empty() || table.front().front() != name) {
      if (!table.empty()) text += text_table(table) + "\n";
      table = {heading};
      table.front().insert(table.front().begin(), name);
    }
    std::vector<std::string>& cells = table.emplace_back();
    cells.push_back(of.strategy);
    if (!of.error.empty()) {
      cells.emplace_back("none");
      cells.resize(table.front().size());
      continue;
    }
    cells.push_back(fixed(of.step_s * kMilli, 1));
    cells.push_back(optional_cell(of.epoch_s, 1, 2));
    cells.push_back(fixed(static_cast<double>(of.traffic_bytes_per_step) / kMega, 3));
    cells.push_back(std::to_string(computing_hosts(of).size()));
    cells.push_back(fixed(mean_processor_part(of) * kPercent, 1));
    cells.push_back(optional_cell(of.overall_accuracy, kPercent, 1));
    cells.push_back(optional_cell(of.kappa, 1, 3));
    cells.push_back(of.inference_pixels > 0
                        ? fixed(of.inference_s / static_cast<double>(of.inference_pixels) * 1e6, 1)
                        : "-");
  }
  return table.empty() ? text : text + text_table(table);
}

}  // namespace cadastre
