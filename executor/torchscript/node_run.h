#pragma once

#include <ATen/core/ivalue.h>
#include <torch/csrc/jit/ir/ir.h>

#include <vector>

namespace cadastre {

/// What LibTorch's operation of the node gives for these inputs. The node has no blocks and is none
/// of those that build or take apart tuples, lists and dictionaries. Throws what the operation
/// throws, also for lack of one.
[[nodiscard]] std::vector<c10::IValue> run_operation(const torch::jit::Node& node,
                                                     std::vector<c10::IValue> inputs);

}  // namespace cadastre
