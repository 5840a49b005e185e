#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <string>
#include <vector>

namespace cadastre {

/// Where a node stands in the Python source, as far as the archive has it: "model.py:31". With the
/// calls that lead to it (outermost first): of these the innermost that is none of PyTorch's own
/// files. Empty where nothing is known.
[[nodiscard]] std::string python_place(const torch::jit::Node& node,
                                       const std::vector<const torch::jit::Node*>& calls);

}  // namespace cadastre
