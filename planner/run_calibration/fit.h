#pragma once

#include <optional>
#include <string>
#include <vector>

#include "planner/run_calibration/measured_run.h"
#include "planner/run_calibration/parameters.h"
#include "planner/run_calibration/residuals.h"

namespace cadastre::run_calibration {

enum class Verdict {
  kFitted,
  kAtBound,        ///< fitted, as far as its bounds allow
  kNotIdentified,  ///< these runs do not tell it; left at its start
  kNotNeeded,      ///< an extra one that explains nothing more; left at its start
};

[[nodiscard]] std::string verdict_name(Verdict verdict);

struct Interval {
  double least = 0;
  double most = 0;
  bool operator==(const Interval&) const = default;
};

struct FittedParameter {
  Parameter parameter;
  Verdict verdict = Verdict::kNotIdentified;
  double value = 0;
  std::optional<Interval> interval;  ///< 95 %; of what is fitted within its bounds
  bool operator==(const FittedParameter&) const = default;
};

struct RunFit {
  Constants constants;
  std::vector<FittedParameter> parameters;  ///< as `parameters_of`
  std::size_t num_residuals = 0;
};

/// Fits the constants of the cost model to what the runs measured: the minimum of a robust loss of
/// log(measured / modelled), each kind of quantity in units of its own spread, within the bounds of
/// the parameters. First Huber's loss, then Cauchy's from there. A parameter whose 95 % interval is
/// wider than nine times (or thrice its size) is not identified and goes back to its start; the
/// others are then fitted anew. Extra ones are added one by one, the most telling first, while the
/// loss falls by what has a chance of a thousandth where there is nothing to tell.
/// `start`: of `starting_point` of these runs, or of more than these.
[[nodiscard]] RunFit fit_constants(const std::vector<MeasuredRun>& runs,
                                   const StartingPoint& start);

}  // namespace cadastre::run_calibration
