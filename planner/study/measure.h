#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "planner/study/measured.h"
#include "planner/study/study.h"

namespace cadastre {

/// Where a study's architectures train for real.
struct MeasureOptions {
  std::filesystem::path scene;      ///< document, or a directory that holds scene.json
  std::filesystem::path rasters;    ///< where the scene's rasters lie, if not beside it
  std::filesystem::path hosts;      ///< machines by ssh; empty: ranks on this one
  std::int64_t num_local = 2;       ///< of these, so many
  std::filesystem::path directory;  ///< keeps what is finished
  std::function<void(const std::string& what)> on_start = [](const std::string&) {};
};

/// Profiles the base's model on this machine and probes the machines, then, for each of the study's
/// architectures, plans it, trains it and classifies the scene, by the verbs that do so for anyone.
/// What `directory` holds of the same request is not done again. Progress and errors of the verbs go
/// to standard error. `study.measure` must be set.
///
/// A strategy that divides nothing on these machines, or fits nowhere, is a result with an error.
/// Throws InputError for a scene or machines that are not there, or a directory of another request;
/// std::runtime_error when a verb fails: what was finished before is kept.
[[nodiscard]] std::vector<MeasuredArchitecture> measure_architectures(
    const Study& study, const MeasureOptions& options);

}  // namespace cadastre
