#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace cadastre::onnx_import {

/// What is known of a value of the graph.
struct Tensor {
  bool has_shape = false;
  std::vector<std::int64_t> shape;  ///< with the batch dimension; all of it known
  std::int64_t element_bytes = 4;
  bool is_float = true;  ///< of any width: it can have a gradient
  /// Does not depend on the values of the model's inputs: weights, constants, shapes, and what is
  /// made of them.
  bool is_static = false;
  bool learns = false;  ///< the loss has a gradient for it: it is a parameter or depends on one
  std::vector<std::string> parameters;  ///< of a static one: those that it is made of, ascending

  [[nodiscard]] double num_elements() const {
    double count = 1;
    for (const std::int64_t extent : shape) count *= static_cast<double>(extent);
    return count;
  }

  [[nodiscard]] double bytes() const { return num_elements() * static_cast<double>(element_bytes); }
};

using Tensors = std::map<std::string, Tensor>;  // by name

/// Bytes of an element of ONNX's type, and whether it is a float; strings count as pointers.
[[nodiscard]] std::int64_t bytes_of_type(int type);
[[nodiscard]] bool is_float_type(int type);

}  // namespace cadastre::onnx_import
