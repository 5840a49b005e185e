#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace cadastre::run_calibration {

/// What `cadastre calibrate RUN…` was asked for.
struct Request {
  std::vector<std::filesystem::path> runs;
  /// A fraction in (0, 1), or directories of runs, which may be among `runs`.
  std::vector<std::string> hold_out;
  std::filesystem::path output;          ///< the cluster
  std::filesystem::path profile_output;  ///< empty: none
};

/// Adds RUN…, --hold-out and --profile-output to the verb; the front door and the program that does
/// the work both understand them.
void add_options(CLI::App& verb, Request& request);

/// The program of `cadastre calibrate RUN…`, where Ceres Solver was there when it was built.
inline constexpr const char* kProgram = "cadastre-calibration";

}  // namespace cadastre::run_calibration
