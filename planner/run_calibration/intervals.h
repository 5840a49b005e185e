#pragma once

#include <cstddef>
#include <vector>

#include "planner/run_calibration/least_squares.h"

namespace cadastre::run_calibration {

/// Half the width of each coordinate's 95 % interval at a minimum, infinite where the residuals do
/// not tell it apart from others.
///
/// The covariance of an M-estimate (Huber 1973), or the sandwich over groups of residuals that
/// stray together (Liang and Zeger 1986, each group judged by the fit without it: CR3 of Bell and
/// McCaffrey 2002), whichever is wider; Student's t, in the sandwich with as many degrees of
/// freedom as groups tell of the coordinate. `group_of[i]`: of residual i. `precision[c]`: what is
/// known of coordinate c beside the residuals, 1 / variance; 0: nothing. Needs more residuals than
/// coordinates.
[[nodiscard]] std::vector<double> interval_half_widths(const Jacobian& jacobian,
                                                       const std::vector<double>& residuals,
                                                       const std::vector<std::size_t>& group_of,
                                                       const std::vector<double>& precision,
                                                       Loss loss);

}  // namespace cadastre::run_calibration
