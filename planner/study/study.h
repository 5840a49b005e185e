#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
// The values that a study tries are JSON: what they mean is for the documents that they go into.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "planner/json_reader.h"
#include "planner/objective.h"
#include "planner/plan.h"
#include "planner/study/metric.h"
#include "planner/study/pointer.h"

namespace cadastre {

/// A document of a study's base, as it was written, and where, for refusals.
struct StudyDocument {
  nlohmann::json value;
  std::string file;     ///< its own, or the study's where it is inline
  std::string pointer;  ///< likewise
  bool operator==(const StudyDocument&) const = default;
};

/// What a study varies: the same value goes to all of `pointers`.
struct StudyColumn {
  std::string name;
  std::vector<StudyPointer> pointers;
  std::vector<nlohmann::json> values;  ///< none in studies that list their points
  std::string place;                   ///< in the study's document
  bool operator==(const StudyColumn&) const = default;
};

/// Positions between two numbers.
struct StudyRange {
  double from = 0;
  double to = 1;
  bool logarithmic = false;
  bool whole = false;  ///< rounded to whole numbers
  bool operator==(const StudyRange&) const = default;
};

/// `num` positions, ascending, both ends among them; whole ones only once.
[[nodiscard]] std::vector<double> positions(const StudyRange& range, int num);

/// `number` as JSON writes it: without a fraction where it has none.
[[nodiscard]] nlohmann::json json_number(double number);

/// Where one strategy begins to beat another as a number grows, or a figure passes a threshold.
struct BreakEvenQuestion {
  std::vector<StudyPointer> pointers;
  StudyRange range;
  int num_scanned = 9;      ///< positions looked at before any bisection
  double tolerance = 0.01;  ///< a crossing is known this well: of itself, or of the range if linear
  std::string metric = "simulated_step_s";
  std::vector<std::string> strategies;  ///< two to compare, or one against the threshold
  std::optional<double> threshold;
  std::string place;  ///< in the study's document
  bool operator==(const BreakEvenQuestion&) const = default;
};

/// How much the step time goes with each resource of the base.
struct SensitivityQuestion {
  std::vector<StudyPointer> pointers;  ///< none: all speeds, bandwidths, latencies and memories
  double change = 0.1;                 ///< a part of the value, up and down
  std::string place;
  bool operator==(const SensitivityQuestion&) const = default;
};

struct StudyLimit {
  std::string metric;
  double limit = 0;
  bool at_least = false;  ///< else at most
  bool operator==(const StudyLimit&) const = default;
};

/// The best point of the grid that keeps all limits.
struct GoalQuestion {
  std::vector<StudyLimit> limits;
  std::string metric;  ///< to be least, or greatest where more is better
  bool operator==(const GoalQuestion&) const = default;
};

/// What a study trains for real where machines are given: its architectures on the base's model.
struct MeasureQuestion {
  std::vector<std::string> strategies;
  std::int64_t batch_size = 1;
  /// Options of `cadastre run` by their names without dashes, in order: "epochs", "2".
  std::vector<std::pair<std::string, std::string>> training;
  bool operator==(const MeasureQuestion&) const = default;
};

/// `cadastre-study/1`: what if? A grid, or a list, of changes to a base; at each point every
/// strategy is planned and replayed.
///
/// `base` holds documents, inline or as paths relative to the study: `cluster` with either `model`
/// and `device` (costs are then estimated, see `estimated_profile`) or `profile`; or a `plan`,
/// whose profile and cluster are the base's where there are no others; and `settings`. Values are
/// put into the documents as they are written, and these are then read and checked as any other.
///
/// A change below `/model` of a profile's model carries the profile over (`rescaled_profile`).
struct Study {
  std::string name;
  std::string description;
  std::string file;
  std::map<std::string, StudyDocument> base;
  std::vector<StudyColumn> columns;
  /// Where points are listed: [point][column], none where the base's value stays.
  std::vector<std::vector<std::optional<nlohmann::json>>> listed;
  std::vector<std::string> strategies;  ///< compared at every point; "plan" is the base's own plan
  std::vector<BreakEvenQuestion> break_even;
  std::optional<SensitivityQuestion> sensitivity;
  std::optional<GoalQuestion> goal;
  std::optional<MeasureQuestion> measure;
  bool judges_claims = false;  ///< says which of the paper's claims hold (`judged_claims`)
  bool operator==(const Study&) const = default;
};

/// The strategy that stands for the base's own plan.
inline constexpr const char* kFixedPlan = "plan";
/// In `Study::strategies`, alone: whatever a point's settings say.
inline constexpr const char* kStrategyOfSettings = "";

/// Throws InputError for what can be told from the study itself; `StudyInputsReader` tells of its
/// points.
[[nodiscard]] Study read_study(const std::filesystem::path& file);
[[nodiscard]] Study study_from_json(const JsonPlace& place);

/// The column of the names that listed points have; it changes nothing.
inline constexpr const char* kPointName = "point";

/// One value that takes its place in a document.
struct StudyValue {
  StudyPointer pointer;
  nlohmann::json value;
  std::string place;  ///< in the study's document, for refusals
};

/// Every one of the study's points: 1 where there are no columns.
[[nodiscard]] std::size_t num_points(const Study& study);

/// The value of each column at a point (the last column goes through its values first), none where
/// the base's stays.
[[nodiscard]] std::vector<std::optional<nlohmann::json>> point_values(const Study& study,
                                                                      std::size_t point);

/// The same as changes to the base. `without`: columns that share a pointer with these are left
/// out.
[[nodiscard]] std::vector<StudyValue> point_changes(const Study& study, std::size_t point,
                                                    const std::vector<StudyPointer>& without = {});

}  // namespace cadastre
