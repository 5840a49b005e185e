#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "executor/run_check.h"
#include "executor/run_steps.h"
#include "executor/step_window.h"
#include "executor/training_run.h"
#include "executor/weights.h"

namespace cadastre {

/// What the ranks of a run have done and sent back.
struct TrainedRanks {
  RunSteps steps;
  double began_s = 0;               ///< when they were let go, on this machine's steady clock
  std::vector<StepWindow> windows;  ///< by rank, all on this machine's clock
  Weights weights;  ///< the last, or the best of those that were validated
  std::int64_t num_training_steps = 0;  ///< that changed parameters: the first of the steps
  RunEnd end = RunEnd::kSteps;
  std::optional<Validation> validation;
  std::vector<std::string> notes;  ///< on the key, and on strangers who were refused: told before
};

/// What there is to say beside the figures, as it happens: none, or a line each.
using OnNotes = std::function<void(const std::vector<std::string>& notes)>;

/// The coordinator's side of training: starts or awaits the ranks, sees that they can take part,
/// gives each its job, lets them go together when all are ready, validates candidates that they send
/// while they train on, writes checkpoints of what they send, and gathers what comes out.
/// Throws as `run_training`, RankFailure when a rank fails, and RanksMissing when one never comes.
[[nodiscard]] TrainedRanks train_ranks(const RunRequest& request, const CheckedRun& run,
                                       const std::function<void(const RunProgress&)>& on_progress,
                                       const OnNotes& on_notes);

}  // namespace cadastre
