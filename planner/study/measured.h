#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "planner/json_reader.h"
#include "planner/run_record.h"
#include "planner/study/outcome.h"
#include "planner/timeline.h"

namespace cadastre {

/// What one host did in a measured step.
struct MeasuredHost {
  std::string name;
  double processor_part = 0;         ///< processor seconds of its computing thread, of the step
  std::int64_t predicted_bytes = 0;  ///< that it sends in a step, as the program counts them
  bool operator==(const MeasuredHost&) const = default;
};

/// One architecture of a study as it trained and classified for real.
struct MeasuredArchitecture {
  std::string strategy;
  std::string error;  ///< why there are no figures, where there are none
  StudyPlan plan;
  double step_s = 0;              ///< median
  std::optional<double> epoch_s;  ///< none where training ended within the first epoch
  std::int64_t traffic_bytes_per_step = 0;  ///< as the ranks counted it
  std::vector<MeasuredHost> hosts;
  std::optional<double> overall_accuracy;  ///< against held-out labels
  std::optional<double> kappa;             ///< likewise
  double inference_s = 0;                  ///< of the whole scene
  std::int64_t inference_pixels = 0;
  bool operator==(const MeasuredArchitecture&) const = default;
};

/// Of a finished run, its typical step and its plan's document; the inference is left to be set.
[[nodiscard]] MeasuredArchitecture measured_architecture(const RunRecord& run,
                                                         const Timeline& timeline,
                                                         const PlanDocument& document);

/// The mean of the hosts' parts; 0 without hosts.
[[nodiscard]] double mean_processor_part(const MeasuredArchitecture& measured);

/// For a terminal.
[[nodiscard]] std::string measured_table(const std::vector<MeasuredArchitecture>& measured);

[[nodiscard]] MeasuredArchitecture measured_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const MeasuredArchitecture& measured);

}  // namespace cadastre
