#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace cadastre {

/// What autograd keeps of a forward pass for its backward pass.
struct SavedMemory {
  std::int64_t bytes = 0;        ///< beside inputs and output
  std::vector<int> kept_inputs;  ///< their places
  bool keeps_output = false;
  bool is_view = false;  ///< the output is memory of the first input
};

/// Runs `forward` once, with gradients asked for, and looks.
[[nodiscard]] SavedMemory saved_memory(
    const std::vector<at::Tensor>& inputs,
    const std::function<at::Tensor(const std::vector<at::Tensor>&)>& forward);

}  // namespace cadastre
