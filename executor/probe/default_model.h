#pragma once

#include "planner/model_graph.h"

namespace cadastre {

/// What a probe times where no model is given: a convolution. It gives no class scores, so that
/// its document could not be read as a model's.
[[nodiscard]] ModelGraph default_model();

}  // namespace cadastre
