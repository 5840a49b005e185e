#include "executor/torchscript/node_run.h"

#include <torch/csrc/jit/runtime/operator.h>

namespace cadastre {

std::vector<c10::IValue> run_operation(const torch::jit::Node& node,
                                       std::vector<c10::IValue> inputs) {
  // Operations with any number of inputs find it on top of the stack.
  const torch::jit::Operator& found = node.getOperator();
  if (found.schema().is_vararg()) inputs.emplace_back(static_cast<std::int64_t>(inputs.size()));
  found.getOperation (&node)(inputs);
  return inputs;
}

}  // namespace cadastre
