#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace cadastre {

struct VerbOptions;

/// One verb of a longer job, as a user would type it.
struct VerbCall {
  std::string title;
  std::string program;  ///< that does it, beside this one
  std::vector<std::string> arguments;
  bool operator==(const VerbCall&) const = default;
};

/// From a scene to a classified map and a report.
struct WholeJob {
  std::filesystem::path output;   ///< directory for all that comes out
  std::filesystem::path scene;    ///< document, or a directory that holds scene.json
  std::filesystem::path rasters;  ///< where the scene's rasters lie, if not beside it
  std::filesystem::path model;    ///< a document; empty: one is made for the scene
  std::vector<std::string> model_options;  ///< of `cadastre model`
  std::filesystem::path hosts;             ///< machines by ssh; empty: ranks on this one
  std::int64_t num_local = 1;
  std::int64_t batch_size = 64;
  std::vector<std::string> training_options;  ///< of `cadastre run`
};

/// The verbs that do it, in order: model (where none is given), profile, probe, plan, simulate, run,
/// predict, report.
[[nodiscard]] std::vector<VerbCall> verb_calls(const WholeJob& job);

/// Runs them one after the other; each one's progress is shown as it comes. Throws
/// std::runtime_error naming the first that fails.
void run_verbs(const std::vector<VerbCall>& calls, const VerbOptions& options);

/// What came of it, for people and as JSON: the strategy, step times predicted, simulated and
/// measured, the accuracy. Reads OUTPUT/run/run.json.
struct WholeJobResult {
  std::string text;
  nlohmann::json document;
};

[[nodiscard]] WholeJobResult whole_job_result(const std::filesystem::path& output, double wall_s);

}  // namespace cadastre
