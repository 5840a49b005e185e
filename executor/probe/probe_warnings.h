#pragma once

#include <string>
#include <vector>

#include "executor/probe/measurements.h"
#include "executor/probe/star_fit.h"

namespace cadastre {

/// What is wrong with the machines or the network, each in one line that names the host, as far as
/// the measurements tell: "node2 is 40 % slower than its twin node1", "node3's link gives 94
/// Mbit/s, the others 940". `machines`: the fit of `fit_machines`.
[[nodiscard]] std::vector<std::string> probe_warnings(const ProbeMeasurements& measurements,
                                                      const StarFit& machines);

}  // namespace cadastre
