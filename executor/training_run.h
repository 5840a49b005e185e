#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "executor/launch/launch.h"
#include "planner/run_record.h"
#include "planner/wire_dtype.h"

namespace cadastre {

/// A training run as it was asked for.
struct RunRequest {
  std::filesystem::path plan;
  std::filesystem::path model;  ///< empty: the plan's own
  std::filesystem::path scene;
  std::filesystem::path rasters;  ///< as `read_scene`
  std::filesystem::path output;   ///< the run's directory
  TrainingSettings training;
  std::int64_t max_test_samples = 20000;  ///< an even choice of the scene's; 0: all
  std::optional<WireDtype> wire_dtype;    ///< instead of the plan's
  /// Steps; 0: no checkpoints; without it, as often as loses least (`planner/checkpoint_interval.h`).
  std::optional<std::int64_t> checkpoint_every;
  int num_checkpoints = 2;            ///< that are kept
  bool resumes = false;               ///< from the newest sound checkpoint, where there is one
  int max_restarts = 0;               ///< after failures
  bool replans = false;               ///< then, on the hosts that are left
  bool random_weights = false;  ///< to begin with, of an imported model whose file is not given
  double timeline_quantile = 0.5;     ///< of the steps' durations: which of them is written
  LaunchOptions launch;
};

struct RunProgress {
  enum class Part { kTraining, kTesting };

  Part part = Part::kTraining;
  std::int64_t done = 0;  ///< steps that every rank has ended, or pixels tested
  std::int64_t total = 0;
  double loss = 0;                 ///< of the last step
  double samples_per_s = 0;        ///< over the last steps
  std::int64_t traffic_bytes = 0;  ///< between hosts, in the last step
  std::string slowest_host;        ///< which computed longest in it
  std::optional<double> validation_kappa = {};  ///< of the last weights that were validated
  std::string notice = {};  ///< something to know at once; then nothing of the above but the part
};

/// What the request asks of every rank: the same text on all of them, or else the run is refused.
[[nodiscard]] std::string request_fingerprint(const RunRequest& request);

/// The arguments of a rank's process.
[[nodiscard]] std::vector<std::string> rank_arguments(const RunRequest& request);

/// Trains on ranks that this process starts or, as number 0 of a launcher's, meets; then measures
/// the accuracy on test pixels of the scene. Writes OUTPUT/{run.json, plan.json, timeline.json,
/// trace.json, weights.pt}, and OUTPUT/checkpoints on the way. Throws InputError before any step when plan,
/// model, scene and hosts do not go together; std::runtime_error naming the rank when one fails more
/// often than it may, or the signal that interrupted it. Then nothing of the above is written but
/// checkpoints, and all ranks have ended.
[[nodiscard]] RunRecord run_training(const RunRequest& request,
                                     const std::function<void(const RunProgress&)>& on_progress);

}  // namespace cadastre
