#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>  // the values of points are JSON
#include <optional>
#include <string>
#include <vector>

#include "planner/study/claims.h"
#include "planner/study/measured.h"
#include "planner/study/outcome.h"

namespace cadastre {

/// One point of a study under one strategy.
struct StudyRow {
  std::vector<std::optional<nlohmann::json>> values;  ///< by column; none: the base's
  std::string strategy;
  StudyOutcome outcome;
  bool operator==(const StudyRow&) const = default;
};

/// A stretch of a break-even question's range on which the answer is the same.
struct BreakEvenStretch {
  double from = 0;
  double to = 0;
  /// The strategy that is better, "below" or "above" the threshold, "equal", or "unknown" where
  /// one of the two has no figures.
  std::string answer;
  bool operator==(const BreakEvenStretch&) const = default;
};

/// The answer to a break-even question at one combination of the other columns' values. Between two
/// stretches lies a crossing: after the end of the one, before the beginning of the other.
struct BreakEvenAnswer {
  std::string pointer;
  std::string metric;
  std::vector<std::string> strategies;
  std::optional<double> threshold;
  std::vector<std::optional<nlohmann::json>> values;  ///< by column; none for the question's own
  std::vector<BreakEvenStretch> stretches;
  std::string sentence;
  bool operator==(const BreakEvenAnswer&) const = default;
};

/// How the base's step time goes with one of its numbers: d log(step) / d log(number).
struct SensitivityAnswer {
  std::string pointer;
  std::string strategy;
  double value = 0;             ///< the base's
  double elasticity = 0;        ///< central difference; 0 where `error` says why there is none
  double step_s_when_less = 0;  ///< with the number less by the question's change
  double step_s_when_more = 0;
  std::string error;
  bool operator==(const SensitivityAnswer&) const = default;
};

struct GoalAnswer {
  bool met = false;
  int row = -1;  ///< of the best that keeps all limits, or else of the nearest miss; -1: no figures
  std::string sentence;
  bool operator==(const GoalAnswer&) const = default;
};

/// `cadastre-study-result/1`: a study's rows, point by point and strategy by strategy, and the
/// answers to its questions. The same study gives the same bytes.
struct StudyResult {
  std::string name;
  std::string description;
  std::string network_model;  ///< the simulator's model and its constants, in words
  std::vector<std::string> columns;
  /// By column: what it changes in the base. Empty in documents that do not say.
  std::vector<std::vector<std::string>> pointers;
  std::vector<StudyRow> rows;
  std::vector<BreakEvenAnswer> break_even;
  std::vector<SensitivityAnswer> sensitivity;  ///< greatest elasticity first
  std::optional<GoalAnswer> goal;
  std::vector<MeasuredArchitecture> measured;  ///< none where no machines were given
  std::vector<StudyClaim> claims;              ///< none where the study does not ask
  bool operator==(const StudyResult&) const = default;
};

[[nodiscard]] StudyResult read_study_result(const std::filesystem::path& file);
[[nodiscard]] StudyResult study_result_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const StudyResult& result);

/// The rows as CSV (RFC 4180): the columns, strategy, outcome, error, every figure, the plan; after
/// them what was measured, with figures of its own in further columns.
[[nodiscard]] std::string study_csv(const StudyResult& result);

/// For a terminal: a table of the rows (the first of them, where there are many), and the answers.
[[nodiscard]] std::string study_text(const StudyResult& result);

/// The values of a row as `name = value, …`, the last column last; "the base" where there are none.
[[nodiscard]] std::string values_text(const std::vector<std::string>& columns,
                                      const std::vector<std::optional<nlohmann::json>>& values);

}  // namespace cadastre
