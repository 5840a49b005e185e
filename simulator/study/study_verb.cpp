#include "simulator/study/study_verb.h"

#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "planner/command_line.h"
#include "planner/progress.h"
#include "simulator/study/run_study.h"

namespace cadastre {

namespace {

struct StudyVerb : VerbOptions {
  std::string study_file;
  std::string directory;
  std::size_t max_processes = 0;
};

/// Rows that have no figures for another reason than that there is no plan.
void check_failures(const StudyResult& result, const std::string& directory) {
  std::size_t num_failed = 0;
  const StudyRow* first = nullptr;
  for (const StudyRow& row : result.rows) {
    if (row.outcome.kind != StudyOutcomeKind::kFailed) continue;
    if (num_failed++ == 0) first = &row;
  }
  if (first == nullptr) return;
  throw std::runtime_error(
      std::to_string(num_failed) + " of " + std::to_string(result.rows.size()) +
      " rows failed (see " + directory + "/study.csv), the first for " + first->strategy + " at " +
      values_text(result.columns, first->values) + ": " + first->outcome.error);
}

void run_verb(const StudyVerb& verb) {
  // A limit on the size of files is met as an error of writing, which says more.
  ::signal(SIGXFSZ, SIG_IGN);
  const Study study = read_study(verb.study_file);
  StudyResult result;
  {
    std::optional<Progress> progress;
    std::string shown;
    std::size_t shown_total = 0;
    RunStudyOptions options;
    options.max_processes = verb.max_processes;
    options.on_progress = [&](const std::string& what, std::size_t done, std::size_t total) {
      if (!progress || shown != what || shown_total != total)
        progress.emplace(what, static_cast<std::int64_t>(total),
                         verb.quiet ? Progress::Mode::kQuiet : Progress::Mode::kShow);
      shown = what;
      shown_total = total;
      progress->update(static_cast<std::int64_t>(done),
                       std::to_string(done) + " of " + std::to_string(total));
    };
    result = run_study(study, verb.directory, options);
  }
  print_result(verb, to_json(result),
               study_text(result) + "wrote " + verb.directory + "/study.json and study.csv\n");
  check_failures(result, verb.directory);
}

}  // namespace

void add_study_verb(CLI::App& program) {
  const auto verb = std::make_shared<StudyVerb>();
  CLI::App* app =
      add_verb(program, "study", "Ask what if: plan and replay a grid of changes to a base",
               "cadastre study scenarios/studies/bandwidth-sweep.json -o bandwidth-sweep", verb,
               [verb] { run_verb(*verb); });
  app->add_option("STUDY", verb->study_file, "Study, a cadastre-study document")->required();
  app->add_option("-o,--output", verb->directory,
                  "Directory for points.jsonl, study.json and study.csv; what is in it of an "
                  "earlier or interrupted run is not done again")
      ->required()
      ->type_name("DIR");
  constexpr std::int64_t kMostProcesses = 4096;
  app->add_option("--jobs", verb->max_processes,
                  "Points to work out at the same time (default: as many as there are cores)")
      ->check(integer_from(1, kMostProcesses));
}

}  // namespace cadastre
