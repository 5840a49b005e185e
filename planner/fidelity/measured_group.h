#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "planner/fidelity/fidelity.h"

namespace cadastre {

/// Where a run is kept, and between which of the group's profiles it ran.
struct RunPlace {
  std::string directory;           ///< below the group's
  std::int64_t after_profile = 0;  ///< the number of the last before it
  /// What a yardstick took meanwhile, by host; of one of several processors their mean.
  std::map<std::string, double> yardsticks_s;
  bool operator==(const RunPlace&) const = default;
};

/// A plan of a group as it ran: what is kept of it, so that it need not run again.
struct MeasuredPlan {
  FidelityPlan asked;
  std::string error;                  ///< why there is no plan, where there is none
  std::vector<std::string> failures;  ///< of runs, in their order
  std::vector<FidelityRun> runs;      ///< that were through
  std::vector<RunPlace> places;       ///< likewise
  bool operator==(const MeasuredPlan&) const = default;
};

/// DIRECTORY/measured.json of a group. Beside it are cluster.json (as its network was measured),
/// profile-1.json, … and, by plan, a directory with plan.json and the runs.
struct MeasuredGroup {
  nlohmann::json request;  ///< what was measured: another request's figures are not taken
  std::int64_t num_profiles = 0;
  std::map<std::string, std::vector<std::string>> profile_failures;  ///< by host of the testbed
  std::map<std::string, double> yardsticks_s;  ///< of profiles (`ProfilePlace`)
  bool is_done = false;
  std::vector<MeasuredPlan> plans;
  bool operator==(const MeasuredGroup&) const = default;
};

/// Throws InputError for a file that is none.
[[nodiscard]] MeasuredGroup read_measured_group(const std::filesystem::path& file);
[[nodiscard]] nlohmann::json to_json(const MeasuredGroup& group);

/// The numbers of the profiles just before and just after each of the runs that agree: the moments
/// whose costs these runs had. One that is next to two of them is there twice.
[[nodiscard]] std::vector<std::int64_t> profiles_beside_runs(const MeasuredPlan& plan);

/// What a yardstick took on each host in the runs that agree: the mean. Without hosts on which
/// there was none in one of them.
[[nodiscard]] std::map<std::string, double> yardsticks_beside_runs(const MeasuredPlan& plan);

/// Steps that a run takes: of parameter averaging as many rounds count as of others steps.
[[nodiscard]] std::int64_t num_steps_of_run(const FidelityMethod& method,
                                            std::int64_t averaging_period);

/// The steps that count, as one figure: of parameter averaging, of a step of a round. Throws
/// std::runtime_error for a run too short for its method.
[[nodiscard]] FidelityRun run_figure(const std::vector<double>& step_ends_s,
                                     const FidelityMethod& method, std::int64_t averaging_period);

/// Sets which of the runs agree with the median one, by the method's tolerance. Returns whether
/// there are as many as the method asks for.
bool note_agreement(std::vector<FidelityRun>& runs, const FidelityMethod& method);

/// `parameter-averaging-8-every-4`: the name of a plan's directory.
[[nodiscard]] std::string directory_name(const FidelityPlan& plan);

}  // namespace cadastre
