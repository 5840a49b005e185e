#include <CLI/CLI.hpp>

#include "executor/predict_command.h"
#include "executor/profile_command.h"
#include "executor/synthesize_command.h"
#include "planner/command_line.h"

int main(int argc, char** argv) {
  CLI::App program("Profiles networks, classifies scenes and makes them: cadastre's numerical part",
                   "cadastre");
  program.require_subcommand(1);
  cadastre::add_profile_command(program);
  cadastre::add_predict_command(program);
  cadastre::add_synthesize_command(program);
  return cadastre::run_program(program, argc, argv);
}
