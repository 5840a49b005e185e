#pragma once

#include <cstdint>
#include <vector>

#include "planner/map_record.h"

namespace cadastre {

/// Error-adjusted areas and accuracies of a map from its confusion matrix, [reference][mapped], and
/// its mapped areas (any unit), by the stratified estimator of Olofsson et al. 2014 (Remote Sensing
/// of Environment 148:42-57): areas by equations 9 and 10, their half widths at 95 % by 11,
/// accuracies by 1-3 of estimated area proportions (equation 4) and their variances by 5-7. The
/// strata are the mapped classes; the samples count as drawn at random within each.
///
/// Nothing is estimated (see `AreaEstimates::is_estimated`) unless every class that is mapped has
/// two samples mapped as it. The matrix is square, with as many rows as there are areas.
[[nodiscard]] AreaEstimates estimate_areas(
    const std::vector<std::vector<std::int64_t>>& confusion,
    const std::vector<double>& mapped_areas);

}  // namespace cadastre
