#pragma once

#include "executor/torchscript/grouping.h"
#include "executor/torchscript/lifted_graph.h"

namespace cadastre {

/// Floating-point operations of a group's forward pass for one sample: two for each product that is
/// summed, one for each element of what else is computed. Nodes inside branches and loops count for
/// nothing.
[[nodiscard]] double flops_per_sample(const LiftedGraph& lifted, const NodeGroup& group);

}  // namespace cadastre
