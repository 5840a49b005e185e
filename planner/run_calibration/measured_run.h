#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "planner/plan.h"
#include "planner/program.h"
#include "planner/timeline.h"

namespace cadastre::run_calibration {

/// What a training run took, beside the plan that it carried out.
struct MeasuredRun {
  std::string name;  ///< its directory, as it was given
  PlanDocument document;
  Program program;
  /// That of the timeline: near the median of the steps, or the quantile that the run was asked to
  /// show. Where parameters are averaged, the mean over whole periods, as the cost model has it.
  double step_s = 0;
  Timeline timeline;  ///< of a typical step
};

/// Reads DIRECTORY/{run.json, plan.json, timeline.json}, as `cadastre run` leaves them. Throws
/// InputError for one that lacks a file, that has fewer than two steps (or, where parameters are
/// averaged, no whole period after the first step), that outlived a failure, or whose timeline is
/// not of the plan.
[[nodiscard]] MeasuredRun read_measured_run(const std::filesystem::path& directory);

/// The same run from its parts, for which `directory` stands in refusals.
[[nodiscard]] MeasuredRun measured_run(const std::filesystem::path& directory,
                                       PlanDocument document, double step_s, Timeline timeline);

/// Throws InputError unless all are of one cluster, but for what is fitted (`parameters.h`) and for
/// words, and of profiles from one device with one number of threads. Models may differ.
void check_comparable(const std::vector<MeasuredRun>& runs);

}  // namespace cadastre::run_calibration
