#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "planner/json_reader.h"
#include "planner/planner.h"

namespace cadastre {

/// How a study plans.
struct StudySettings {
  std::int64_t batch_size = 1;
  std::string strategy = "auto";            ///< or a baseline
  std::vector<std::int64_t> micro_batches;  ///< numbers to try; none: all that divide the batch
  Objective objective = Objective::kStepTime;
  AllReduce all_reduce;                        ///< of every plan
  WireDtype wire_dtype = WireDtype::kFloat32;  ///< likewise
  std::int64_t averaging_period = kAveragingPeriod;  ///< of parameter-averaging
  std::optional<Schedule> schedule;            ///< none: whichever is best
  /// `PlannerOptions::max_search_steps`: the search ends by this count, so that where it ends does
  /// not depend on the machine, nor on what else runs there.
  std::int64_t search_steps = 5000;
  /// Where set, the search also ends by the clock, and two runs of a study may differ.
  std::optional<double> time_limit_s;
  bool operator==(const StudySettings&) const = default;
};

[[nodiscard]] StudySettings study_settings_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const StudySettings& settings);

/// Throws InputError below `place`, the settings', for what does not go with the model or the
/// cluster.
void check_settings(const StudySettings& settings, const ModelGraph& model, const Cluster& cluster,
                    const JsonPlace& place);

[[nodiscard]] PlannerOptions planner_options(const StudySettings& settings);

}  // namespace cadastre
