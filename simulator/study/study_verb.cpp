#include "simulator/study/study_verb.h"

#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/progress.h"
#include "planner/study/measure.h"
#include "simulator/study/run_study.h"

namespace cadastre {

namespace {

struct StudyVerb : VerbOptions {
  std::string study_file;
  std::string directory;
  std::size_t max_processes = 0;
  MeasureOptions measure;
  std::vector<std::string> measured;  ///< files
  bool local = false;
};

/// What must be given together to measure, and a study that says what.
void check_machines(const StudyVerb& verb, const Study& study) {
  const bool machines = verb.local || !verb.measure.hosts.empty();
  if (machines && !study.measure)
    throw InputError(verb.study_file, "",
                     "expected the key \"measure\", for what to train on the machines given, found "
                     "none");
  if (machines && verb.measure.scene.empty())
    throw InputError("", "", "expected --data, the scene to train on, with --local and --hosts");
  if (!machines && !verb.measure.scene.empty())
    throw InputError("", "", "expected --local or --hosts, the machines to train on, with --data");
}

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
  check_machines(verb, study);
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
    for (const std::string& file : verb.measured)
      for (MeasuredArchitecture& of : read_measured(file))
        options.also_measured.push_back(std::move(of));
    if (!verb.measure.scene.empty())
      options.measure = [&](const Study& measured) {
        progress.reset();
        MeasureOptions where = verb.measure;
        where.directory = std::filesystem::path(verb.directory) / "measured";
        where.on_start = [&](const std::string& what) {
          if (!verb.quiet) std::fprintf(stderr, "%s\n", what.c_str());
        };
        return measure_architectures(measured, where);
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
  app->add_option("--data", verb->measure.scene,
                  "Scene on which to train, for real, what the study's \"measure\" names");
  app->add_option("--rasters", verb->measure.rasters, "Where its rasters lie, if not beside it");
  app->add_option("--measured", verb->measured,
                  "Files of what was measured otherwise (cadastre-measured), to be set beside it")
      ->type_name("FILE");
  CLI::Option* hosts = app->add_option("--hosts", verb->measure.hosts,
                                       "File of the machines to train on, by ssh, as for `run`");
  constexpr std::int64_t kMostRanks = 64;
  app->add_option_function<std::int64_t>(
         "--local",
         [verb](const std::int64_t num) {
           verb->local = true;
           verb->measure.num_local = num;
         },
         "Train on so many ranks of this machine")
      ->check(integer_from(1, kMostRanks))
      ->excludes(hosts);
}

}  // namespace cadastre
