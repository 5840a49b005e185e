#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "planner/study/inputs.h"
#include "simulator/study/journal.h"

namespace cadastre {

/// A unit of a study that was found to be sound.
struct StudyUnit {
  std::vector<StudyValue> changes;
  std::string strategy;       ///< of the study
  std::string strategy_name;  ///< in results
  std::string key;            ///< of its inputs
};

/// Throws InputError where the changed documents are not sound.
[[nodiscard]] StudyUnit study_unit_of(const StudyInputsReader& reader,
                                      std::vector<StudyValue> changes, const std::string& strategy);

/// Works out the units that the journal does not know by `work`, each in a process of its own, up
/// to `max_at_once` at a time, and adds what became of them to it. Units with the same inputs are
/// worked out once. `on_progress(done, total)` counts those.
void run_units(const std::vector<StudyUnit>& units,
               const std::function<StudyOutcome(const StudyUnit&)>& work, StudyJournal& journal,
               std::size_t max_at_once,
               const std::function<void(std::size_t done, std::size_t total)>& on_progress);

}  // namespace cadastre
