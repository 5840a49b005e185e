#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "planner/json_reader.h"
#include "planner/plan.h"
#include "planner/study/metric.h"

namespace cadastre {

/// A stage without its list of layers.
struct StudyStage {
  std::string first_layer;
  std::string last_layer;
  std::int64_t num_layers = 1;
  std::vector<std::string> hosts;
  bool operator==(const StudyStage&) const = default;
};

/// A plan as results tell it.
struct StudyPlan {
  std::int64_t batch_size = 1;
  std::int64_t micro_batches = 1;
  Schedule schedule = Schedule::kGpipe;
  std::int64_t averaging_period = 0;
  std::vector<StudyStage> stages;
  bool operator==(const StudyPlan&) const = default;
};

enum class StudyOutcomeKind {
  kDone,
  kNoPlan,  ///< a result: nothing fits in memory, or the strategy does not divide this model here
  kFailed,  ///< the work ended otherwise, as by an assertion of SimGrid
};

[[nodiscard]] const std::vector<std::string>& study_outcome_names();  ///< in the enum's order

/// What became of one unit of a study: a point planned by one strategy, or with the base's plan,
/// and replayed.
struct StudyOutcome {
  StudyOutcomeKind kind = StudyOutcomeKind::kDone;
  std::string error;        ///< why there are no figures, where there are none
  bool fits_memory = true;  ///< of the base's own plan; what is planned fits
  StudyFigures figures;
  StudyPlan plan;
  bool operator==(const StudyOutcome&) const = default;
};

[[nodiscard]] StudyPlan study_plan(const Plan& plan);

[[nodiscard]] nlohmann::json to_json(const StudyPlan& plan);
[[nodiscard]] StudyPlan study_plan_from_json(const JsonPlace& place);

/// `2 x gpipe: a..b on node1 | c on node2+node3`.
[[nodiscard]] std::string plan_text(const StudyPlan& plan);

[[nodiscard]] nlohmann::json to_json(const StudyOutcome& outcome);
/// The members of an outcome; the caller finishes `object`, which may have others.
[[nodiscard]] StudyOutcome study_outcome_members(JsonObject& object);

}  // namespace cadastre
