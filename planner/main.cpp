// The front door: does the planner's own verbs and starts the right program for the others, so that
// `cadastre plan --help` never loads LibTorch or SimGrid.

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <exception>
#include <string_view>

#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/process_environment.h"
#include "planner/subprocess.h"
#include "planner/verbs.h"

namespace {

struct SisterVerb {
  std::string_view name;
  const char* program;
  const char* description;
};

constexpr std::array kSisterVerbs = {
    SisterVerb{"scene", "cadastre-executor", "Make a scene of the rasters in a folder"},
    SisterVerb{"synthesize", "cadastre-executor", "Make a multi-sensor scene as GeoTIFFs"},
    SisterVerb{"model", "cadastre-executor", "Make a model for a scene's modalities and classes"},
    SisterVerb{"profile", "cadastre-executor", "Measure what each layer of a model costs"},
    SisterVerb{"probe", "cadastre-executor", "Measure hosts and the network between them"},
    SisterVerb{"simulate", "cadastre-simulator", "Replay a plan in a simulated cluster"},
    SisterVerb{"study", "cadastre-simulator",
               "Ask what if: a grid of plans, clusters and settings"},
    SisterVerb{"run", "cadastre-executor", "Train a model as planned"},
    SisterVerb{"predict", "cadastre-executor", "Classify a scene to a map"},
};

/// Of `import` and `export`, what needs LibTorch.
constexpr SisterVerb kPytorch{"pytorch", "cadastre-executor", ""};

const SisterVerb* sister_verb(int argc, char** argv) {
  if (argc < 2) return nullptr;
  const std::string_view name = argv[1];
  if (argc > 2 && (name == "import" || name == "export") && std::string_view(argv[2]) == "pytorch")
    return &kPytorch;
  for (const SisterVerb& verb : kSisterVerbs)
    if (verb.name == argv[1]) return &verb;
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  cadastre::set_process_environment();
  if (const SisterVerb* verb = sister_verb(argc, argv)) {
    try {
      cadastre::become_sister(verb->program, argv);
    } catch (const cadastre::InputError& error) {
      std::fprintf(stderr, "error: %s\n", error.what());
      return 2;
    }
  }
  CLI::App program("Divides a deep network among machines: profiles, plans, simulates, runs, shows",
                   "cadastre");
  program.require_subcommand(1);
  program.set_version_flag("--version", CADASTRE_VERSION);
  cadastre::add_demo_verb(program);
  cadastre::add_classify_verb(program);
  for (const SisterVerb& verb : kSisterVerbs)
    program.add_subcommand(std::string(verb.name), verb.description);
  cadastre::add_import_verb(program, argv);
  cadastre::add_export_verb(program);
  cadastre::add_calibrate_verb(program, argv);
  cadastre::add_fidelity_verb(program);
  cadastre::add_plan_verb(program);
  cadastre::add_report_verb(program);
  cadastre::add_validate_verb(program);
  program.footer("Example:\n  cadastre demo -o demo-output\n\ncadastre VERB --help tells more.");
  return cadastre::run_program(program, argc, argv);
}
