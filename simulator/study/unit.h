#pragma once

#include "planner/study/inputs.h"
#include "planner/study/outcome.h"

namespace cadastre {

/// Works out one unit of a study: plans, unless the base's plan is asked for, and replays. To be
/// called once in a process, as `replay`. That there is no plan is an outcome; all else that goes
/// wrong is thrown.
[[nodiscard]] StudyOutcome study_unit(const StudyInputs& inputs);

}  // namespace cadastre
