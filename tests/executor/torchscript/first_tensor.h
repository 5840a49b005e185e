#pragma once

#include <ATen/core/ivalue.h>

namespace cadastre::archives {

/// Of a model's outputs, the class scores.
[[nodiscard]] inline at::Tensor first_tensor(c10::IValue output) {
  while (!output.isTensor()) {
    if (output.isTuple())
      output = c10::IValue(output.toTupleRef().elements()[0]);
    else
      output = output.toGenericDict().at("out");
  }
  return output.toTensor();
}

}  // namespace cadastre::archives
