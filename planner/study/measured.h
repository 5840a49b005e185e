#pragma once

#include <cstdint>
#include <filesystem>
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
  /// Processor seconds of its rank (of its computing thread alone, where nothing else was counted),
  /// of those that it may have in a step.
  double processor_part = 0;
  std::int64_t predicted_bytes = 0;  ///< that it sends in a step, as the program counts them
  std::optional<double> sent_bytes;  ///< in a step, at its network interfaces, headers included
  std::optional<double> received_bytes;  ///< likewise
  bool operator==(const MeasuredHost&) const = default;
};

/// One architecture of a study as it trained and classified for real.
struct MeasuredArchitecture {
  std::string machines;  ///< that it ran on, in words; empty: those that the study was given
  std::string network;   ///< how the model differs from the base's, in words; empty: not at all
  std::string setting;   ///< how the training differs from the study's, likewise
  std::string strategy;  ///< or "spark": parameters averaged by a program of Spark's own
  std::string error;  ///< why there are no figures, where there are none
  StudyPlan plan;
  double step_s = 0;  ///< median; of a round's steps, where parameters are averaged
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

/// Of the hosts that the plan computes on; a driver of Spark's, say, is none of them.
[[nodiscard]] std::vector<MeasuredHost> computing_hosts(const MeasuredArchitecture& measured);

/// The mean of the computing hosts' parts; 0 without hosts.
[[nodiscard]] double mean_processor_part(const MeasuredArchitecture& measured);

/// Where and how it was measured: "measured, 4 hosts at 1 Gbit/s, batch 256".
[[nodiscard]] std::string measured_name(const MeasuredArchitecture& measured);

/// `cadastre-measured/1`: architectures that were measured otherwise, as by a benchmark, for a study
/// to set beside its own. Throws InputError.
[[nodiscard]] std::vector<MeasuredArchitecture> read_measured(const std::filesystem::path& file);
[[nodiscard]] std::vector<MeasuredArchitecture> measured_list_from_json(const JsonPlace& place);

/// For a terminal.
[[nodiscard]] std::string measured_table(const std::vector<MeasuredArchitecture>& measured);

[[nodiscard]] MeasuredArchitecture measured_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const MeasuredArchitecture& measured);

}  // namespace cadastre
