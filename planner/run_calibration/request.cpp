#include "planner/run_calibration/request.h"

#include <CLI/CLI.hpp>

namespace cadastre::run_calibration {

void add_options(CLI::App& verb, Request& request) {
  verb.add_option("runs", request.runs,
                  "Directories of `cadastre run`, whose timelines the cluster is fitted to");
  verb.add_option("--hold-out", request.hold_out,
                  "Runs that the fit does not see and is judged by: a fraction, or directories "
                  "(default: each run by a fit to the others)");
  verb.add_option(
      "--profile-output", request.profile_output,
      "Where the profile with the fitted rates of loading, loss and optimizer is written");
}

}  // namespace cadastre::run_calibration
