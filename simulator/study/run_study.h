#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "planner/study/result.h"
#include "planner/study/study.h"

namespace cadastre {

struct RunStudyOptions {
  std::size_t max_processes = 0;  ///< units at the same time; 0: as many as there are cores
  /// Called as units finish, with how many of how many have; in turn for `what`: the points and
  /// what else is known to be needed, then bisections.
  std::function<void(const std::string& what, std::size_t done, std::size_t total)> on_progress =
      [](const std::string&, std::size_t, std::size_t) {};
  /// Called once all is simulated: the study's architectures as they train for real; none: they
  /// are not measured.
  std::function<std::vector<MeasuredArchitecture>(const Study& study)> measure = {};
  std::vector<MeasuredArchitecture> also_measured = {};  ///< otherwise; they are judged with these
};

/// Runs a study in `directory`: what its `points.jsonl` does not hold yet is worked out, and kept
/// there; then `study.json` and `study.csv` are written. Everything is checked before anything
/// runs.
///
/// Throws InputError for a study, a point or a directory that is wrong, std::runtime_error when a
/// file cannot be written. A unit that fails is a row with its error.
[[nodiscard]] StudyResult run_study(const Study& study, const std::filesystem::path& directory,
                                    const RunStudyOptions& options = {});

}  // namespace cadastre
