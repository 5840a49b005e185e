#pragma once

#include <vector>

#include "executor/run_check.h"
#include "executor/trained_ranks.h"

namespace cadastre {

/// What came of a training that may have failed on its way.
struct OutlivedTraining {
  TrainedRanks trained;
  CheckedRun run;  ///< as it was at the end: on the hosts that were left, where it was planned anew
  std::vector<RunFailure> failures;
};

/// Trains as `train_ranks` does, and when a rank fails begins again from the newest sound
/// checkpoint, `RunRequest::max_restarts` times at most: on the same hosts, or, where the request
/// replans, under a new plan on those that have not failed. Throws as `train_ranks` once no more
/// restarts are left, InputError when no plan fits what is left.
[[nodiscard]] OutlivedTraining train_with_restarts(
    const RunRequest& request, CheckedRun run,
    const std::function<void(const RunProgress&)>& on_progress, const OnNotes& on_notes);

}  // namespace cadastre
