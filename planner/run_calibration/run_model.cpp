#include "planner/run_calibration/run_model.h"

#include "planner/cost_model.h"
#include "planner/program_costs.h"

namespace cadastre::run_calibration {

RunModel::RunModel(const MeasuredRun& run)
    : run_(&run),
      division_(division_of(run.document.plan, run.document.profile.model, run.document.cluster)) {}

const CostTable& RunModel::table(const Constants& constants, std::size_t profile) {
  std::vector<double> wanted;
  for (const ParameterKind& kind : parameter_kinds())
    if (kind.scope == Scope::kModel) wanted.push_back(kind.get(constants, profile));
  if (table_ && wanted == model_constants_) return *table_;
  Constants of_run;
  of_run.profiles.push_back(run_->document.profile);
  for (const ParameterKind& kind : parameter_kinds())
    if (kind.scope == Scope::kModel) kind.put(of_run, 0, kind.get(constants, profile));
  table_.emplace(of_run.profiles.front(), Purpose::kTraining, run_->document.plan.optimizer);
  model_constants_ = wanted;
  return *table_;
}

Timeline RunModel::step(const Constants& constants, std::size_t profile) {
  return evaluate(
      run_->program,
      program_costs(run_->program, division_, table(constants, profile), constants.cluster),
      constants.cluster);
}

}  // namespace cadastre::run_calibration
