#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/json_reader.h"
#include "planner/plan.h"

namespace cadastre {

/// What became of one unit of a study, in numbers. Whole ones are exact up to 2^53.
struct StudyFigures {
  double simulated_step_s = 0;  ///< the mean, where the conditions have several measured
  double step_p5_s = 0;         ///< of those steps
  double step_p95_s = 0;        ///< likewise
  double predicted_step_s = 0;
  double throughput_samples_per_s = 0;  ///< of training, by the simulated step
  double traffic_bytes_per_step = 0;
  double peak_memory_bytes = 0;  ///< of the host that needs most
  double num_hosts = 0;          ///< in use
  // Of the hosts in use: the part of the simulated step in which they compute. The rest of it is
  // the bubble, and waiting for the network.
  double utilization_min = 0;
  double utilization_mean = 0;
  double utilization_max = 0;
  double energy_j_per_sample = 0;        ///< of the hosts in use, for the simulated step
  double price_per_million_samples = 0;  ///< likewise
  double price_per_hour = 0;             ///< of the hosts in use
  double inference_latency_s = 0;        ///< predicted, of one sample
  double inference_samples_per_s = 0;    ///< predicted, pipelined
  bool operator==(const StudyFigures&) const = default;
};

/// A figure by name: what analyses ask for and tables show.
struct StudyMetric {
  std::string name;  ///< the field's, which says the unit
  double StudyFigures::*value;
  bool whole = false;  ///< a count
  bool more_is_better = false;
};

[[nodiscard]] const std::vector<StudyMetric>& study_metrics();

/// The metric called `name`, or by a short name for it (step_s, throughput, traffic, memory,
/// energy, cost); null when there is none.
[[nodiscard]] const StudyMetric* study_metric(const std::string& name);

/// The metric that `place` names. Throws InputError with the nearest name.
[[nodiscard]] const StudyMetric& study_metric_at(const JsonPlace& place);

/// All names that `study_metric` knows.
[[nodiscard]] std::vector<std::string> study_metric_names();

/// `value` of the metric as people say it.
[[nodiscard]] std::string metric_text(const StudyMetric& metric, double value);

}  // namespace cadastre
