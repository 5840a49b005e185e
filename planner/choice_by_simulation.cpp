#include "planner/choice_by_simulation.h"

#include <algorithm>
#include <cstddef>

#include "planner/replayed_plans.h"

namespace cadastre {

void choose_by_simulation(PlanDocument& document, const std::vector<Constraint>& constraints,
                          int count) {
  std::vector<Plan> rivals = rivals_in(document, constraints);
  std::stable_sort(rivals.begin(), rivals.end(), [](const Plan& a, const Plan& b) {
    return a.predicted.step_s < b.predicted.step_s;
  });
  rivals.resize(std::min(rivals.size(), static_cast<std::size_t>(count - 1)));
  const Simulation simulation = replayed_plans(document, rivals);

  rivals.insert(rivals.begin(), document.plan);
  std::size_t best = 0;
  for (std::size_t i = 0; i < rivals.size(); ++i) {
    rivals[i].simulated_step_s = simulation.plans.at(i).simulated_step_s;
    if (*rivals[i].simulated_step_s < *rivals[best].simulated_step_s) best = i;
  }
  for (std::vector<Plan>* plans : {&document.runners_up, &document.alternatives})
    for (Plan& plan : *plans)
      for (const Plan& rival : rivals)
        if (plan.strategy == rival.strategy && is_same_division(plan, rival))
          plan.simulated_step_s = rival.simulated_step_s;
  document.plan = rivals.front();
  if (best > 0) replace_plan(document, rivals[best]);
}

}  // namespace cadastre
