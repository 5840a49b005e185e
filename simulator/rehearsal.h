#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/plan.h"
#include "planner/rehearsal.h"

namespace cadastre {

struct RehearsalOptions {
  std::vector<std::string> failures;  ///< as `host_failure_from` reads them
  std::int64_t num_steps = 1000;
  std::optional<std::int64_t> checkpoint_every;  ///< without it, as `checkpoint_every` says
  /// Seconds from when a failure was noticed until the ranks stand again, the reload aside.
  double restart_s = 4;
  bool same_plan = false;  ///< the lost hosts come back at once; else the others go on without them
};

/// What failures would cost a run of the document's plan: `rehearse`, with every step time taken
/// from the plan's replay, in a process of its own. Throws InputError for a failure that cannot be
/// (an unknown host, one that is lost twice) and where no plan fits what is left.
[[nodiscard]] Rehearsal rehearse_failures(const PlanDocument& document,
                                          const RehearsalOptions& options);

}  // namespace cadastre
