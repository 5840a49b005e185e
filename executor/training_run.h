#pragma once

#include <filesystem>
#include <functional>

#include "planner/run_record.h"

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
};

struct RunProgress {
  enum class Part { kTraining, kTesting };

  Part part = Part::kTraining;
  std::int64_t done = 0;  ///< steps that every rank has ended, or pixels tested
  std::int64_t total = 0;
  double loss = 0;  ///< of the last step
};

/// Trains on local processes, one a rank, then measures the accuracy on test pixels of the scene.
/// Writes OUTPUT/{run.json, timeline.json, trace.json, weights.pt}. Throws InputError before
/// anything starts when plan, model and scene do not go together; std::runtime_error naming the
/// rank when one dies. Then nothing of the above is written.
[[nodiscard]] RunRecord run_training(const RunRequest& request,
                                     const std::function<void(const RunProgress&)>& on_progress);

}  // namespace cadastre
