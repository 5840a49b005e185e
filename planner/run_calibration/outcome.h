#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "planner/run_calibration/hold_out.h"

namespace cadastre::run_calibration {

/// The fitted cluster, whose description ends in what it was fitted to and how true it is, in place
/// of what an earlier calibration said there.
[[nodiscard]] Cluster described_cluster(const Judged& judged);

/// Tables of the parameters and of the errors.
[[nodiscard]] std::string outcome_text(const Judged& judged);

/// `{parameters: [{parameter, unit, before, after, interval, verdict, at_bound}], held_out:
/// {method, before, after, runs}, used: {…}, num_residuals}`; errors are parts of the measured
/// step.
[[nodiscard]] nlohmann::json outcome_json(const Judged& judged);

}  // namespace cadastre::run_calibration
