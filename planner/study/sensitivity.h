#pragma once

#include <vector>

#include "planner/study/inputs.h"
#include "planner/study/result.h"
#include "planner/study/study.h"

namespace cadastre {

/// One number of the base (or several that a `*` names) and the changes that scale it.
struct SensitivityProbe {
  StudyPointer pointer;
  double value = 0;  ///< the base's, the first of several
  double less = 0;   ///< the same, scaled down
  double more = 0;   ///< and up
  std::vector<StudyValue> lessened;
  std::vector<StudyValue> increased;
};

/// The probes of a study's sensitivity question: those asked for, or every host's speed and every
/// bandwidth, latency and memory of the cluster. Numbers that are 0 are left out of the latter.
/// Throws InputError where a pointer names nothing, or no number, or 0.
[[nodiscard]] std::vector<SensitivityProbe> sensitivity_probes(const Study& study,
                                                               const StudyInputsReader& reader);

/// The elasticity that follows from the outcomes with the number scaled down and up.
[[nodiscard]] SensitivityAnswer sensitivity_answer(const SensitivityProbe& probe,
                                                   const std::string& strategy,
                                                   const StudyOutcome& lessened,
                                                   const StudyOutcome& increased);

/// Greatest elasticity first; of equal ones in order of pointer and strategy.
void sort_by_elasticity(std::vector<SensitivityAnswer>& answers);

}  // namespace cadastre
