// The program of the verbs `simulate` and `study`, and of `import simgrid`; the front door
// `cadastre` starts it with its own arguments.

#include <signal.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/plan.h"
#include "planner/progress.h"
#include "planner/rehearsal.h"
#include "planner/simulation.h"
#include "simulator/paje_trace.h"
#include "simulator/rehearsal.h"
#include "simulator/simgrid_import/import_verb.h"
#include "simulator/simulate.h"
#include "simulator/simulation_text.h"
#include "simulator/study/study_verb.h"

namespace {

using namespace cadastre;

struct SimulateVerb : VerbOptions {
  std::string plan_file;
  std::string output_file;
  std::string conditions_file;
  std::string trace_file;
  std::string paje_file;
  bool choose_best = false;
  RehearsalOptions rehearsal;
};

void run_rehearsal(const SimulateVerb& verb) {
  const Rehearsal rehearsal = rehearse_failures(read_plan(verb.plan_file), verb.rehearsal);
  print_result(verb, {{"rehearsal", to_json(rehearsal)}}, rehearsal_text(rehearsal));
}

/// Before any work: that every output can be written, and is no other file of the request.
void check_outputs(const SimulateVerb& verb) {
  using Named = std::pair<std::string, std::string>;  // the option, its file
  std::vector<Named> taken = {{"--plan", verb.plan_file}, {"--conditions", verb.conditions_file}};
  const auto place = [](const std::string& file) {
    std::error_code ignored;
    return std::filesystem::weakly_canonical(std::filesystem::absolute(file, ignored), ignored);
  };
  for (const Named& output : {Named("--output", verb.output_file),
                              Named("--trace", verb.trace_file), Named("--paje", verb.paje_file)}) {
    if (output.second.empty()) continue;
    for (const Named& other : taken)
      if (!other.second.empty() && place(other.second) == place(output.second))
        throw InputError(output.second, "",
                         "expected another file for " + output.first + " than for " + other.first +
                             ", found the same");
    check_can_write(output.second);
    taken.push_back(output);
  }
  if (verb.choose_best) check_can_write(verb.plan_file);
}

void run_simulate(const SimulateVerb& verb) {
  // A limit on the size of files is met as an error of writing, which says more.
  ::signal(SIGXFSZ, SIG_IGN);
  PlanDocument document = read_plan(verb.plan_file);
  check_outputs(verb);
  SimulateOptions options{.conditions_file = verb.conditions_file};
  if (!verb.conditions_file.empty()) options.conditions = read_conditions(verb.conditions_file);
  std::optional<PajeFile> paje;
  if (!verb.paje_file.empty())
    options.paje_file = paje.emplace(verb.paje_file).unfinished().string();
  Simulation simulation;
  {
    Progress progress("simulate", static_cast<std::int64_t>(document.alternatives.size()) + 1,
                      verb.quiet ? Progress::Mode::kQuiet : Progress::Mode::kShow);
    options.on_finished = [&](std::size_t done, const std::string& plan) {
      progress.update(static_cast<std::int64_t>(done), plan);
    };
    simulation = simulate(document, options);
  }
  const nlohmann::json result = to_json(simulation);
  std::string text = simulation_text(simulation);
  if (!verb.output_file.empty()) {
    write_file(verb.output_file, json_text(result));
    text += "wrote " + verb.output_file + "\n";
  }
  if (!verb.trace_file.empty()) {
    write_file(verb.trace_file, json_text(chrome_trace(simulation.plans.front().timeline)));
    text += "wrote " + verb.trace_file + "\n";
  }
  if (paje) {
    paje->finish();
    text += "wrote " + verb.paje_file + "\n";
  }
  if (verb.choose_best) {
    choose_best(document, simulation);
    write_file(verb.plan_file, json_text(to_json(document)));
    text += "chose " + document.plan.strategy + " in " + verb.plan_file + "\n";
  }
  print_result(verb, result, text);
}

void add_rehearsal_options(CLI::App& app, RehearsalOptions& rehearsal) {
  constexpr std::int64_t kMostSteps = 100'000'000;
  CLI::Option* const fail =
      app.add_option("--fail", rehearsal.failures,
                     "Instead: what it would cost a run to lose a host (repeatable): HOST@TIME, "
                     "since training began, or HOST@TIME=frozen");
  for (const char* other : {"--output", "--conditions", "--trace", "--paje", "--choose-best"})
    fail->excludes(app.get_option(other));
  app.add_option("--steps", rehearsal.num_steps, "Of that run")
      ->capture_default_str()
      ->check(integer_from(1, kMostSteps))
      ->needs(fail);
  app.add_option("--checkpoint-every", rehearsal.checkpoint_every,
                 "Its steps from one checkpoint to the next, 0: none (default: as `run` chooses)")
      ->check(integer_from(0, kMostSteps))
      ->needs(fail);
  app.add_option("--restart-s", rehearsal.restart_s,
                 "Seconds in which ranks start and read the scene again")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber)
      ->needs(fail);
  app.add_flag("--same-plan", rehearsal.same_plan,
               "The lost hosts come back at once, instead of a new plan on the others")
      ->needs(fail);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program("Divides a deep network among machines, and runs it", "cadastre");
  program.require_subcommand(1);
  const auto verb = std::make_shared<SimulateVerb>();
  CLI::App* simulate_verb =
      add_verb(program, "simulate", "Replay a plan and its alternatives in a simulated cluster",
               "cadastre simulate --plan plan.json -o simulation.json --choose-best", verb,
               [verb] {
                 if (verb->rehearsal.failures.empty())
                   run_simulate(*verb);
                 else
                   run_rehearsal(*verb);
               });
  simulate_verb->add_option("--plan", verb->plan_file, "Plan document (plan.json)")
      ->required()
      ->type_name("FILE");
  simulate_verb
      ->add_option("-o,--output", verb->output_file,
                   "Write the simulation with its timelines here (simulation.json)")
      ->type_name("FILE");
  simulate_verb
      ->add_option("--conditions", verb->conditions_file,
                   "What happens meanwhile: background traffic, slow hosts and links, jitter, "
                   "failures (conditions.json)")
      ->type_name("FILE");
  simulate_verb
      ->add_option("--trace", verb->trace_file,
                   "Write the timeline of the plan as a Chrome trace, which Perfetto opens")
      ->type_name("FILE");
  simulate_verb
      ->add_option("--paje", verb->paje_file,
                   "Write SimGrid's Paje trace of the plan's replay: the use of hosts and links")
      ->type_name("FILE");
  simulate_verb->add_flag("--choose-best", verb->choose_best,
                          "Rewrite the plan document: the plan with the least simulated step of "
                          "those that fit in memory becomes the plan");
  add_rehearsal_options(*simulate_verb, verb->rehearsal);
  add_study_verb(program);
  add_import_verb(program);
  return run_program(program, argc, argv);
}
