#pragma once

#include <string>

namespace cadastre::onnx_import {

enum class OperationClass {
  kView,
  kElementwise,    ///< flops per output element
  kNormalization,  ///< reads its input twice; flops per input element
  kReduction,      ///< flops per element of input and output
  kWindow,         ///< pooling: flops per element of the window and output
  kDropout,
  kSelection,  ///< reads only what it gives; its gradient clears all of the input first
  kMove,       ///< reads and writes
};

enum class Keeps { kNothing, kInputs, kOutput };

/// What an operation that is no product does. Backward operations are per gradient that is asked
/// for.
struct OperationFacts {
  OperationClass operation_class = OperationClass::kMove;
  double forward_flops = 0;
  double backward_flops = 0;
  Keeps keeps = Keeps::kNothing;
};

/// Null when the operation is not in the table: a product, or one that is not known.
[[nodiscard]] const OperationFacts* operation_facts(const std::string& operation);

}  // namespace cadastre::onnx_import
