#pragma once

#include <string>

#include "planner/model_graph.h"
#include "planner/timeline.h"

namespace cadastre {

/// In one sentence, where a measured step differs most from a simulated one of the same program,
/// and what the timelines tell of the reason: a pass, a transfer (and what it shared a host's link
/// with), a reduction, the sends, or what goes on between instructions. `model`: of the layers
/// whose tensors move.
[[nodiscard]] std::string explain_difference(const Timeline& measured, const Timeline& simulated,
                                             const ModelGraph& model);

}  // namespace cadastre
