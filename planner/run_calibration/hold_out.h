#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "planner/fidelity/summary.h"
#include "planner/run_calibration/fit.h"

namespace cadastre::run_calibration {

/// What the cost model says of a run's step, with the constants that the run was planned with or
/// started from, and with those fitted to other runs.
struct StepError {
  std::string run;
  double measured_s = 0;
  double before_s = 0;
  double after_s = 0;

  [[nodiscard]] double error_before() const { return before_s / measured_s - 1; }

  [[nodiscard]] double error_after() const { return after_s / measured_s - 1; }

  bool operator==(const StepError&) const = default;
};

/// How true steps are on runs that were not used.
struct HeldOut {
  /// "runs held out", "leave one out", "K folds", or "none", where a single run cannot be divided.
  std::string method;
  std::vector<StepError> runs;
};

[[nodiscard]] ErrorSummary errors_before(const std::vector<StepError>& runs);
[[nodiscard]] ErrorSummary errors_after(const std::vector<StepError>& runs);

/// Those of `runs` by number, with their constants at the start and in `fitted`.
[[nodiscard]] std::vector<StepError> step_errors(const std::vector<MeasuredRun>& runs,
                                                 const StartingPoint& start,
                                                 const Constants& fitted,
                                                 const std::vector<std::size_t>& numbers);

/// Fits without each run in turn, or, of more than ten runs, without each fifth part of them (run
/// i is in part i mod 5), and judges each run by the fit without it.
[[nodiscard]] HeldOut cross_validate(const std::vector<MeasuredRun>& runs,
                                     const StartingPoint& start);

/// A fit to the runs that `is_used`, judged by the others.
struct Judged {
  RunFit fit;
  HeldOut held_out;
  std::vector<StepError> used;
};

/// Fits to the runs that are used, and judges the fit by the others; without any others, by
/// `cross_validate`. At least one must be used.
[[nodiscard]] Judged fit_and_judge(const std::vector<MeasuredRun>& runs,
                                   const std::vector<bool>& is_used);

/// An even choice of `fraction` of so many runs to hold out, in (0, 1): one at least, and one is
/// left. In order of the runs: the same every time.
[[nodiscard]] std::vector<bool> evenly_used(std::size_t num_runs, double fraction);

}  // namespace cadastre::run_calibration
