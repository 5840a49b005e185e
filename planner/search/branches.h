#pragma once

#include <cstddef>
#include <vector>

#include "planner/model_facts.h"

namespace cadastre {

/// Layers that may be a region of their own: a branch, or what lies between two fans of branches.
struct BranchPart {
  std::vector<std::size_t> layers;  ///< ascending
  double work_s = 0;
};

/// Divides a model at its cut layers, those that depend on, or are needed by, every other: between
/// two of them, what is not connected otherwise is a branch. Parts come in a topological order.
/// Fans of branches that are a small part of the work (as in a residual network) are left whole.
[[nodiscard]] std::vector<BranchPart> branch_parts(const ModelFacts& model,
                                                   const std::vector<double>& work_s);

}  // namespace cadastre
