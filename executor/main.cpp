// The executor's verbs; the front door `cadastre` starts this program with its own arguments.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <system_error>

#include "executor/verbs.h"
#include "planner/command_line.h"
#include "planner/process_environment.h"

int main(int argc, char** argv) {
  // A launcher started it, not the front door; without a new start it is as good, but slower.
  if (cadastre::set_process_environment()) {
    std::error_code ignored;
    ::execv(std::filesystem::read_symlink("/proc/self/exe", ignored).c_str(), argv);
  }
  CLI::App program("Measures, trains and classifies: cadastre's numerical part", "cadastre");
  program.require_subcommand(1);
  cadastre::add_scene_verb(program);
  cadastre::add_synthesize_verb(program);
  cadastre::add_model_verb(program);
  cadastre::add_profile_verb(program);
  cadastre::add_probe_verb(program);
  cadastre::add_run_verb(program);
  cadastre::add_predict_verb(program);
  cadastre::add_pytorch_verbs(program);
  cadastre::add_rank_verb(program);
  cadastre::add_probe_rank_verb(program);
  cadastre::add_predict_rank_verb(program);
  return cadastre::run_program(program, argc, argv);
}
