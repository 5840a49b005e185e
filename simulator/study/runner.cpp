#include "simulator/study/runner.h"

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "planner/json_reader.h"
#include "simulator/environment.h"
#include "simulator/isolated.h"

namespace cadastre {

namespace {

StudyOutcome outcome_of(const IsolatedResult& result) {
  if (!result.error.empty()) {
    // What a dying library wrote may be no UTF-8, which JSON must be.
    const std::string text =
        nlohmann::json(result.error).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    return {.kind = StudyOutcomeKind::kFailed,
            .error = nlohmann::json::parse(text).get<std::string>()};
  }
  const std::string name = "worker";
  const nlohmann::json document = parse_json(result.output, name);
  JsonObject object = JsonPlace(document, name, "").object();
  return study_outcome_members(object);
}

}  // namespace

StudyUnit study_unit_of(const StudyInputsReader& reader, std::vector<StudyValue> changes,
                        const std::string& strategy) {
  const StudyInputs inputs = reader.inputs(changes, strategy);
  // What conditions name must be there, whatever the plan.
  reader.explained("conditions", changes, [&](const std::string& file) {
    check_conditions(inputs.conditions, file, Program{}, inputs.cluster);
  });
  return {.changes = std::move(changes),
          .strategy = strategy,
          .strategy_name = inputs.strategy,
          .key = inputs.key};
}

void run_units(const std::vector<StudyUnit>& units,
               const std::function<StudyOutcome(const StudyUnit&)>& work, StudyJournal& journal,
               std::size_t max_at_once,
               const std::function<void(std::size_t done, std::size_t total)>& on_progress) {
  std::vector<const StudyUnit*> missing;
  std::set<std::string> keys;
  for (const StudyUnit& unit : units)
    if (journal.find(unit.key) == nullptr && keys.insert(unit.key).second) missing.push_back(&unit);

  IsolatedWorkers workers;
  std::size_t num_started = 0;
  std::size_t num_done = 0;
  while (num_done < missing.size()) {
    while (num_started < missing.size() && workers.num_running() < max_at_once) {
      const StudyUnit& unit = *missing[num_started];
      workers.start([&] { return to_json(work(unit)).dump(); }, num_started);
      ++num_started;
    }
    const IsolatedWorkers::Finished finished = workers.wait();
    journal.add(missing[finished.number]->key, outcome_of(finished.result));
    ++num_done;
    on_progress(num_done, missing.size());
  }
}

}  // namespace cadastre
