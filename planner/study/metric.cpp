#include "planner/study/metric.h"

#include <algorithm>
#include <utility>

#include "planner/refusal.h"
#include "planner/study/quantity.h"

namespace cadastre {

namespace {

const std::vector<std::pair<std::string, std::string>>& short_names() {
  static const std::vector<std::pair<std::string, std::string>> names = {
      {"step_s", "simulated_step_s"},        {"throughput", "throughput_samples_per_s"},
      {"traffic", "traffic_bytes_per_step"}, {"memory", "peak_memory_bytes"},
      {"energy", "energy_j_per_sample"},     {"cost", "price_per_million_samples"},
      {"utilization", "utilization_mean"}};
  return names;
}

}  // namespace

const std::vector<StudyMetric>& study_metrics() {
  using F = StudyFigures;
  static const std::vector<StudyMetric> metrics = {
      {.name = "simulated_step_s", .value = &F::simulated_step_s},
      {.name = "step_p5_s", .value = &F::step_p5_s},
      {.name = "step_p95_s", .value = &F::step_p95_s},
      {.name = "predicted_step_s", .value = &F::predicted_step_s},
      {.name = "throughput_samples_per_s",
       .value = &F::throughput_samples_per_s,
       .more_is_better = true},
      {.name = "traffic_bytes_per_step", .value = &F::traffic_bytes_per_step, .whole = true},
      {.name = "peak_memory_bytes", .value = &F::peak_memory_bytes, .whole = true},
      {.name = "num_hosts", .value = &F::num_hosts, .whole = true},
      {.name = "utilization_min", .value = &F::utilization_min, .more_is_better = true},
      {.name = "utilization_mean", .value = &F::utilization_mean, .more_is_better = true},
      {.name = "utilization_max", .value = &F::utilization_max, .more_is_better = true},
      {.name = "energy_j_per_sample", .value = &F::energy_j_per_sample},
      {.name = "price_per_million_samples", .value = &F::price_per_million_samples},
      {.name = "price_per_hour", .value = &F::price_per_hour},
      {.name = "inference_latency_s", .value = &F::inference_latency_s},
      {.name = "inference_samples_per_s",
       .value = &F::inference_samples_per_s,
       .more_is_better = true}};
  return metrics;
}

const StudyMetric* study_metric(const std::string& name) {
  std::string full = name;
  for (const auto& [short_name, meant] : short_names())
    if (short_name == name) full = meant;
  const std::vector<StudyMetric>& metrics = study_metrics();
  const auto found = std::find_if(metrics.begin(), metrics.end(),
                                  [&](const StudyMetric& metric) { return metric.name == full; });
  return found == metrics.end() ? nullptr : &*found;
}

std::vector<std::string> study_metric_names() {
  std::vector<std::string> names;
  for (const auto& [short_name, meant] : short_names()) names.push_back(short_name);
  for (const StudyMetric& metric : study_metrics()) names.push_back(metric.name);
  return names;
}

const StudyMetric& study_metric_at(const JsonPlace& place) {
  const std::string name = place.string();
  if (const StudyMetric* metric = study_metric(name)) return *metric;
  place.fail("expected a figure of a study (" + listed(study_metric_names()) + "), found " +
             in_quotes(name) + did_you_mean(name, study_metric_names()));
}

std::string metric_text(const StudyMetric& metric, double value) {
  if (metric.name == "traffic_bytes_per_step") return quantity_text(value, "_bytes");
  if (metric.name.starts_with("utilization")) return rounded_text(100 * value) + " %";
  if (metric.name == "energy_j_per_sample") return rounded_text(value) + " J/sample";
  if (metric.name.ends_with("_samples_per_s")) return rounded_text(value) + " samples/s";
  if (metric.name == "price_per_million_samples")
    return rounded_text(value) + " per million samples";
  if (metric.name == "price_per_hour") return rounded_text(value) + " per hour";
  if (metric.name == "num_hosts") return rounded_text(value) + (value == 1 ? " host" : " hosts");
  return quantity_text(value, metric.name);
}

}  // namespace cadastre
