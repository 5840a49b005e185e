#include "planner/checkpoint_interval.h"

#include <algorithm>
#include <cmath>

#include "planner/checkpoint_cost.h"

namespace cadastre {

double young_interval_s(double checkpoint_s, double mtbf_s) {
  return std::sqrt(2 * checkpoint_s * mtbf_s);
}

double daly_interval_s(double checkpoint_s, double mtbf_s) {
  if (checkpoint_s >= 2 * mtbf_s) return mtbf_s;
  const double x = checkpoint_s / (2 * mtbf_s);
  return young_interval_s(checkpoint_s, mtbf_s) * (1 + std::sqrt(x) / 3 + x / 9) - checkpoint_s;
}

std::int64_t checkpoint_every(const PlanDocument& document, std::int64_t num_steps) {
  constexpr double kMost = 1e9;  // steps: no training is longer
  const Plan& plan = document.plan;
  const CheckpointCost cost = checkpoint_cost(plan, document.profile, document.cluster);
  const double step_s = plan.simulated_step_s.value_or(plan.predicted.step_s);
  const double interval_s =
      std::max(daly_interval_s(cost.copy_s, plan_mtbf_s(plan, document.cluster)), cost.send_s);
  const double steps = step_s * kMost > interval_s ? interval_s / step_s : kMost;
  const std::int64_t period = std::max<std::int64_t>(1, plan.averaging_period);
  // What sends for longer than a step is not begun again before it is away.
  const double least = step_s > 0 ? std::ceil(std::min(kMost, cost.send_s / step_s)) : 1;
  std::int64_t whole = static_cast<std::int64_t>(std::max({1.0, least, std::round(steps)}));
  if (num_steps > 0) whole = std::min(whole, num_steps);
  std::int64_t periods = std::max<std::int64_t>(1, (whole + period / 2) / period);
  if (static_cast<double>(periods * period) < least) ++periods;
  return periods * period;
}

}  // namespace cadastre
