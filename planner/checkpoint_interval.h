#pragma once

#include <cstdint>

#include "planner/plan.h"

namespace cadastre {

/// Young's first-order optimum of the seconds of work between two checkpoints: sqrt(2 delta M) for
/// checkpoints of `checkpoint_s` (delta) and `mtbf_s` (M, > 0) between failures.
/// Source: Young, Communications of the ACM 17(9), 1974.
[[nodiscard]] double young_interval_s(double checkpoint_s, double mtbf_s);

/// Daly's higher-order estimate of the same: with x = delta / 2M,
/// sqrt(2 delta M) (1 + sqrt(x) / 3 + x / 9) - delta, and M where delta >= 2M.
/// Source: Daly, Future Generation Computer Systems 22(3), 2006, equation 37.
[[nodiscard]] double daly_interval_s(double checkpoint_s, double mtbf_s);

/// Steps from one checkpoint of the document's plan to the next that lose least to checkpoints and
/// failures: Daly's interval for what a checkpoint takes (`checkpoint_cost`) and the mean time
/// between failures of the plan's hosts, by the step's simulated seconds where they are known, else
/// the predicted ones. At least 1, no less than it takes to send a checkpoint away, a multiple of
/// the averaging period (between averagings replicas differ). `num_steps` > 0: no more than those.
[[nodiscard]] std::int64_t checkpoint_every(const PlanDocument& document,
                                            std::int64_t num_steps = 0);

}  // namespace cadastre
