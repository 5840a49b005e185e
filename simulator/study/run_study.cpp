#include "simulator/study/run_study.h"

#include <algorithm>
#include <set>

#include "planner/error.h"
#include "planner/files.h"
#include "planner/refusal.h"
#include "planner/study/break_even.h"
#include "planner/study/goal.h"
#include "planner/study/inputs.h"
#include "planner/study/sensitivity.h"
#include "simulator/isolated.h"
#include "simulator/platform.h"
#include "simulator/study/journal.h"
#include "simulator/study/runner.h"
#include "simulator/study/unit.h"

namespace cadastre {

namespace {

namespace fs = std::filesystem;

/// A break-even question at one combination of the values of the other columns.
struct BreakEvenCase {
  const BreakEvenQuestion* question;
  std::vector<std::optional<nlohmann::json>> values;  ///< by column
  std::vector<StudyValue> changes;
  std::vector<std::string> strategies;  ///< as in results
  BreakEvenSearch search;
};

struct SensitivityCase {
  const SensitivityProbe* probe;
  StudyUnit lessened;
  StudyUnit increased;
};

class RunStudy {
 public:
  RunStudy(const Study& study, const RunStudyOptions& options)
      : study_(study),
        options_(options),
        max_processes_(options.max_processes == 0 ? num_usable_cores() : options.max_processes),
        reader_(study) {
    // All that is known to be needed is looked at before anything runs.
    for (std::size_t point = 0; point < num_points(study); ++point)
      for (const std::string& strategy : study.strategies)
        grid_.push_back(study_unit_of(reader_, point_changes(study, point), strategy));
    if (study.sensitivity) plan_sensitivity();
    plan_break_even();
  }

  StudyResult run(StudyJournal& journal) {
    check_journal(journal);
    run_units(needed(), journal, "study");
    bisect(journal);
    StudyResult result{
        .name = study_.name,
        .description = study_.description,
        .network_model = network_model_text(reader_.inputs({}, study_.strategies.front()).cluster)};
    for (const StudyColumn& column : study_.columns) {
      result.columns.push_back(column.name);
      std::vector<std::string>& pointers = result.pointers.emplace_back();
      for (const StudyPointer& pointer : column.pointers) pointers.push_back(pointer.text);
    }
    for (std::size_t i = 0; i < grid_.size(); ++i)
      result.rows.push_back({.values = point_values(study_, i / study_.strategies.size()),
                             .strategy = grid_[i].strategy_name,
                             .outcome = *journal.find(grid_[i].key)});
    for (const BreakEvenCase& of_case : break_even_)
      result.break_even.push_back(answer_of(of_case, result.columns));
    for (const SensitivityCase& of_case : sensitivity_)
      result.sensitivity.push_back(sensitivity_answer(
          *of_case.probe, of_case.lessened.strategy_name, *journal.find(of_case.lessened.key),
          *journal.find(of_case.increased.key)));
    sort_by_elasticity(result.sensitivity);
    if (study_.goal) result.goal = goal_answer(*study_.goal, result.columns, result.rows);
    return result;
  }

 private:
  void plan_sensitivity() {
    probes_ = sensitivity_probes(study_, reader_);
    for (const SensitivityProbe& probe : probes_)
      for (const std::string& strategy : study_.strategies)
        sensitivity_.push_back({.probe = &probe,
                                .lessened = study_unit_of(reader_, probe.lessened, strategy),
                                .increased = study_unit_of(reader_, probe.increased, strategy)});
  }

  void plan_break_even() {
    for (const BreakEvenQuestion& question : study_.break_even) {
      std::set<std::string> seen;
      for (std::size_t point = 0; point < num_points(study_); ++point) {
        std::vector<StudyValue> changes = point_changes(study_, point, question.pointers);
        // Points that differ in the question's own column alone are one case.
        std::string known;
        for (const StudyValue& change : changes)
          known += change.pointer.text + '\n' + change.value.dump() + '\n';
        if (!seen.insert(known).second) continue;
        BreakEvenCase& of_case =
            break_even_.emplace_back(BreakEvenCase{.question = &question,
                                                   .values = point_values(study_, point),
                                                   .changes = std::move(changes),
                                                   .strategies = {},
                                                   .search = BreakEvenSearch(question)});
        for (std::size_t c = 0; c < of_case.values.size(); ++c)
          for (const StudyPointer& pointer : study_.columns[c].pointers)
            if (std::find(question.pointers.begin(), question.pointers.end(), pointer) !=
                question.pointers.end())
              of_case.values[c].reset();
        for (const double position : of_case.search.wanted())
          for (StudyUnit& unit : units_at(of_case, position)) scans_.push_back(std::move(unit));
        for (const std::string& strategy : question.strategies)
          of_case.strategies.push_back(
              study_unit_of(reader_, changes_at(of_case, question.range.from), strategy)
                  .strategy_name);
      }
    }
  }

  [[nodiscard]] static std::vector<StudyValue> changes_at(const BreakEvenCase& of_case,
                                                          double position) {
    std::vector<StudyValue> changes = of_case.changes;
    for (const StudyPointer& pointer : of_case.question->pointers)
      changes.push_back(
          {.pointer = pointer, .value = json_number(position), .place = of_case.question->place});
    return changes;
  }

  /// One unit a strategy.
  [[nodiscard]] std::vector<StudyUnit> units_at(const BreakEvenCase& of_case,
                                                double position) const {
    std::vector<StudyUnit> units;
    for (const std::string& strategy : of_case.question->strategies)
      units.push_back(study_unit_of(reader_, changes_at(of_case, position), strategy));
    return units;
  }

  [[nodiscard]] std::vector<StudyUnit> needed() const {
    std::vector<StudyUnit> units = grid_;
    units.insert(units.end(), scans_.begin(), scans_.end());
    for (const SensitivityCase& of_case : sensitivity_) {
      units.push_back(of_case.lessened);
      units.push_back(of_case.increased);
    }
    return units;
  }

  /// What is there must be of this study, or of an earlier form of it.
  void check_journal(const StudyJournal& journal) const {
    if (journal.size() == 0) return;
    for (const StudyUnit& unit : needed())
      if (journal.find(unit.key) != nullptr) return;
    throw InputError(journal.file().string(), "",
                     "expected finished units of the study " + in_quotes(study_.name) + ", found " +
                         std::to_string(journal.size()) +
                         " of another study or of other inputs; choose another directory, or "
                         "remove this one");
  }

  void run_units(const std::vector<StudyUnit>& units, StudyJournal& journal,
                 const std::string& what) const {
    cadastre::run_units(
        units, work_, journal, max_processes_,
        [&](std::size_t done, std::size_t total) { options_.on_progress(what, done, total); });
  }

  void bisect(StudyJournal& journal) {
    for (;;) {
      std::vector<StudyUnit> units;
      std::vector<std::pair<BreakEvenCase*, double>> asked;
      std::size_t num_left = 0;
      for (BreakEvenCase& of_case : break_even_) {
        num_left += of_case.search.num_bisections_left() * of_case.question->strategies.size();
        for (const double position : of_case.search.wanted()) {
          asked.emplace_back(&of_case, position);
          for (StudyUnit& unit : units_at(of_case, position)) units.push_back(std::move(unit));
        }
      }
      if (asked.empty()) return;
      cadastre::run_units(units, work_, journal, max_processes_,
                          [&](std::size_t done, std::size_t) {
                            // What one bisection leads to is known when it is done.
                            options_.on_progress("bisecting", num_bisected_ + done,
                                                 num_bisected_ + std::max(num_left, units.size()));
                          });
      num_bisected_ += num_left > 0 ? units.size() : 0;
      for (const auto& [of_case, position] : asked) {
        std::vector<const StudyOutcome*> outcomes;
        for (const StudyUnit& unit : units_at(*of_case, position))
          outcomes.push_back(journal.find(unit.key));
        of_case->search.tell(position,
                             break_even_answer(*of_case->question, of_case->strategies, outcomes));
      }
    }
  }

  [[nodiscard]] static BreakEvenAnswer answer_of(const BreakEvenCase& of_case,
                                                 const std::vector<std::string>& columns) {
    const BreakEvenQuestion& question = *of_case.question;
    BreakEvenAnswer answer{.pointer = question.pointers.front().text,
                           .metric = question.metric,
                           .strategies = of_case.strategies,
                           .threshold = question.threshold,
                           .values = of_case.values,
                           .stretches = of_case.search.stretches()};
    const bool others = std::any_of(of_case.values.begin(), of_case.values.end(),
                                    [](const auto& value) { return value.has_value(); });
    if (others) answer.sentence = "at " + values_text(columns, of_case.values) + ": ";
    answer.sentence += break_even_sentence(question, of_case.strategies, answer.stretches);
    return answer;
  }

  const Study& study_;
  const RunStudyOptions& options_;
  std::size_t max_processes_;
  StudyInputsReader reader_;
  std::vector<StudyUnit> grid_;   ///< [point][strategy]
  std::vector<StudyUnit> scans_;  ///< of the break-even questions
  std::vector<SensitivityProbe> probes_;
  std::vector<SensitivityCase> sensitivity_;
  std::vector<BreakEvenCase> break_even_;
  std::size_t num_bisected_ = 0;
  std::function<StudyOutcome(const StudyUnit&)> work_ = [this](const StudyUnit& unit) {
    return study_unit(reader_.inputs(unit.changes, unit.strategy));
  };
};

/// Writing a result must not destroy something else.
void check_directory(const Study& study, const fs::path& directory) {
  std::error_code ignored;
  if (fs::exists(directory, ignored) && !fs::is_directory(directory, ignored))
    throw InputError(directory.string(), "", "expected a directory, found a file");
  const fs::path result = directory / "study.json";
  if (!fs::exists(result, ignored)) return;
  if (fs::equivalent(result, study.file, ignored))
    throw InputError(directory.string(), "",
                     "expected a directory of its own for the results, found that of the study, "
                     "which they would overwrite");
  try {
    static_cast<void>(read_study_result(result));
  } catch (const InputError& error) {
    throw InputError(directory.string(), "",
                     "expected a directory without another study.json, found one that is no "
                     "result of a study (" +
                         std::string(error.what()) + ")");
  }
}

}  // namespace

StudyResult run_study(const Study& study, const fs::path& directory,
                      const RunStudyOptions& options) {
  RunStudy run(study, options);
  check_directory(study, directory);
  StudyJournal journal(directory / "points.jsonl");
  StudyResult result = run.run(journal);
  if (options.measure) result.measured = options.measure(study);
  result.measured.insert(result.measured.end(), options.also_measured.begin(),
                         options.also_measured.end());
  if (study.judges_claims) result.claims = judged_claims(compared_settings(study, result));
  write_file(directory / "study.json", json_text(to_json(result)));
  write_file(directory / "study.csv", study_csv(result));
  return result;
}

}  // namespace cadastre
