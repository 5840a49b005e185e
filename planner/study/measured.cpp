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

StudyPlan plan_of(const PlanDocument& document) { return study_plan(document.plan); }

}  // namespace

MeasuredArchitecture measured_architecture(const RunRecord& run, const Timeline& timeline,
                                           const PlanDocument& document) {
  MeasuredArchitecture measured;
  measured.strategy = run.strategy;
  measured.plan = plan_of(document);
  measured.step_s = run.measured_step_s;
  measured.traffic_bytes_per_step = run.traffic_bytes_per_step;
  const double epochs = epochs_of(run);
  if (epochs > 0)
    measured.epoch_s = run.measured_step_s * static_cast<double>(run.steps.size()) / epochs;
  for (std::size_t rank = 0; rank < timeline.ranks.size(); ++rank) {
    MeasuredHost host;
    host.name = timeline.ranks[rank].host;
    double cpu_s = 0;
    for (const TimelineEvent& event : timeline.events)
      if (event.rank == static_cast<int>(rank)) cpu_s += event.cpu_s;
    // The clock of processor time may tick past the end of the step.
    if (timeline.step_s > 0) host.processor_part = std::min(1.0, cpu_s / timeline.step_s);
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

double mean_processor_part(const MeasuredArchitecture& measured) {
  double sum = 0;
  for (const MeasuredHost& host : measured.hosts) sum += host.processor_part;
  return measured.hosts.empty() ? 0 : sum / static_cast<double>(measured.hosts.size());
}

std::string measured_table(const std::vector<MeasuredArchitecture>& measured) {
  constexpr double kMilli = 1e3;
  constexpr double kMega = 1e6;
  constexpr double kPercent = 100;
  const auto optional_cell = [](const std::optional<double>& value, double factor, int decimals) {
    return value ? fixed(*value * factor, decimals) : std::string("-");
  };
  std::vector<std::vector<std::string>> table = {{"measured", "step ms", "epoch s", "traffic MB",
                                                  "hosts", "processor %", "accuracy %", "kappa",
                                                  "inference s"}};
  for (const MeasuredArchitecture& of : measured) {
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
    cells.push_back(std::to_string(of.hosts.size()));
    cells.push_back(fixed(mean_processor_part(of) * kPercent, 1));
    cells.push_back(optional_cell(of.overall_accuracy, kPercent, 1));
    cells.push_back(optional_cell(of.kappa, 1, 3));
    cells.push_back(fixed(of.inference_s, 2));
  }
  return text_table(table);
}

}  // namespace cadastre
