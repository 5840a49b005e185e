// The program of the verbs `simulate` and `study`; the front door `cadastre` starts it with its own
// arguments.

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "planner/command_line.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/plan.h"
#include "planner/progress.h"
#include "planner/simulation.h"
#include "simulator/simulate.h"
#include "simulator/study/study_verb.h"

namespace {

using namespace cadastre;

struct SimulateVerb : VerbOptions {
  std::string plan_file;
  std::string output_file;
  bool choose_best = false;
};

void run_simulate(const SimulateVerb& verb) {
  PlanDocument document = read_plan(verb.plan_file);
  Simulation simulation;
  {
    Progress progress("simulate", static_cast<std::int64_t>(document.alternatives.size()) + 1,
                      verb.quiet ? Progress::Mode::kQuiet : Progress::Mode::kShow);
    simulation = simulate(document, {.on_finished = [&](std::size_t done, const std::string& plan) {
                            progress.update(static_cast<std::int64_t>(done), plan);
                          }});
  }
  const nlohmann::json result = to_json(simulation);
  std::string text = simulation_table(simulation);
  if (!verb.output_file.empty()) {
    write_file(verb.output_file, json_text(result));
    text += "wrote " + verb.output_file + "\n";
  }
  if (verb.choose_best) {
    choose_best(document, simulation);
    write_file(verb.plan_file, json_text(to_json(document)));
    text += "chose " + document.plan.strategy + " in " + verb.plan_file + "\n";
  }
  print_result(verb, result, text);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program("Divides a deep network among machines, and runs it", "cadastre");
  program.require_subcommand(1);
  const auto verb = std::make_shared<SimulateVerb>();
  CLI::App* simulate_verb =
      add_verb(program, "simulate", "Replay a plan and its alternatives in a simulated cluster",
               "cadastre simulate --plan plan.json -o simulation.json --choose-best", verb,
               [verb] { run_simulate(*verb); });
  simulate_verb->add_option("--plan", verb->plan_file, "Plan document (plan.json)")
      ->required()
      ->type_name("FILE");
  simulate_verb
      ->add_option("-o,--output", verb->output_file,
                   "Write the simulation with its timelines here (simulation.json)")
      ->type_name("FILE");
  simulate_verb->add_flag("--choose-best", verb->choose_best,
                          "Rewrite the plan document: the plan with the least simulated step of "
                          "those that fit in memory becomes the plan");
  add_study_verb(program);
  return run_program(program, argc, argv);
}
