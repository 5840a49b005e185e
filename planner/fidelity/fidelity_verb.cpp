#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>

#include "planner/command_line.h"
#include "planner/fidelity/comparison.h"
#include "planner/fidelity/measure.h"
#include "planner/fidelity/summary.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/verbs.h"

namespace cadastre {

namespace {

namespace fs = std::filesystem;

struct FidelityVerb {
  fs::path suite;
  fs::path output;
  fs::path scene;
  bool runs_nothing = false;
  bool ablates = false;
  fs::path constants;
};

/// Puts a calibrated cluster's constants of messages and reductions, which are not of its links,
/// into that of a plan; nothing without `constants`.
std::function<void(PlanDocument&)> with_constants_of(const fs::path& constants) {
  if (constants.empty()) return [](PlanDocument&) {};
  return [network = read_cluster(constants).network](PlanDocument& document) {
    document.cluster.network.message_s = network.message_s;
    document.cluster.network.transport_s_per_byte = network.transport_s_per_byte;
    document.cluster.network.reduction_s_per_byte = network.reduction_s_per_byte;
  };
}

/// What the suite is left with: all that is measured, compared anew.
Fidelity write_comparison(const FidelitySuite& suite, const FidelityOptions& options,
                          const Assumptions& assumptions, bool ablates) {
  Fidelity fidelity = compare_suite(suite, options.directory, assumptions, options.on_start);
  if (ablates)
    fidelity.ablations =
        ablate_suite(fidelity, suite, options.directory, assumptions, options.on_start);
  fidelity.num_processors = static_cast<int>(std::thread::hardware_concurrency());
  write_file(options.directory / "fidelity.json", json_text(to_json(fidelity)));
  write_file(options.directory / "fidelity.csv", fidelity_csv(fidelity));
  return fidelity;
}

void run_fidelity(const FidelityVerb& verb, const VerbOptions& options) {
  const FidelitySuite suite = read_suite(verb.suite);
  const FidelityOptions measuring{
      .suite_file = verb.suite,
      .directory = fs::absolute(verb.output),
      .scene = verb.scene.empty() ? fs::path() : fs::absolute(verb.scene),
      .on_start = [&](const std::string& what) {
        if (!options.quiet) std::fprintf(stderr, "%s\n", what.c_str());
      }};
  const Assumptions assumptions{.change = with_constants_of(verb.constants)};
  try {
    if (!verb.runs_nothing) measure_suite(suite, measuring);
  } catch (const std::runtime_error&) {
    if (fs::exists(measuring.directory)) write_comparison(suite, measuring, assumptions, false);
    throw;
  }
  const Fidelity fidelity = write_comparison(suite, measuring, assumptions, verb.ablates);
  nlohmann::json told = to_json(fidelity);
  told["output"] = verb.output.string();
  print_result(options, told,
               fidelity_text(fidelity) + "written to " + (verb.output / "fidelity.json").string() +
                   " and fidelity.csv\n");
  for (const FidelityPoint& point : fidelity.points)
    if (!point.failures.empty() || (!has_figures(point) && !point.runs.empty()))
      throw std::runtime_error("some runs failed, or could not be compared: they are named in " +
                               (verb.output / "fidelity.json").string());
}

}  // namespace

void add_fidelity_verb(CLI::App& program) {
  const auto options = std::make_shared<VerbOptions>();
  const auto verb = std::make_shared<FidelityVerb>();
  CLI::App* app =
      add_verb(program, "fidelity", "Compare predicted and simulated steps with measured ones",
               "sudo cadastre fidelity scenarios/suites/fidelity.json -o fidelity", options,
               [verb, options] { run_fidelity(*verb, *options); });
  app->add_option("SUITE", verb->suite, "Models, clusters and plans (cadastre-suite)")->required();
  app->add_option("--data", verb->scene,
                  "Scene to train on (default: one that is synthesized, with the models' inputs)");
  app->add_flag("--compare-only", verb->runs_nothing,
                "Run nothing: predict and simulate anew what the directory holds");
  app->add_option(
      "--constants", verb->constants,
      "A cluster that was calibrated: what it says of messages, transport and reductions "
      "is taken for every cluster of the suite");
  app->add_flag("--ablations", verb->ablates,
                "Say what each cause that predictions allow for is worth: the errors without it");
  app->add_option("-o,--output", verb->output,
                  "Directory for all that comes out; what it holds of the suite is not run again")
      ->required();
}

}  // namespace cadastre
