#include "planner/onnx/tensor.h"

namespace cadastre::onnx_import {

std::int64_t bytes_of_type(int type) {
  switch (type) {
    case onnx::TensorProto::BOOL:
    case onnx::TensorProto::INT8:
    case onnx::TensorProto::UINT8:
      return 1;
    case onnx::TensorProto::INT16:
    case onnx::TensorProto::UINT16:
    case onnx::TensorProto::FLOAT16:
    case onnx::TensorProto::BFLOAT16:
      return 2;
    case onnx::TensorProto::DOUBLE:
    case onnx::TensorProto::INT64:
    case onnx::TensorProto::UINT64:
    case onnx::TensorProto::COMPLEX64:
    case onnx::TensorProto::STRING:
      return 8;
    case onnx::TensorProto::COMPLEX128:
      return 16;
    default:
      return 4;
  }
}

bool is_float_type(int type) {
  return type == onnx::TensorProto::FLOAT || type == onnx::TensorProto::FLOAT16 ||
         type == onnx::TensorProto::BFLOAT16 || type == onnx::TensorProto::DOUBLE ||
         type == onnx::TensorProto::COMPLEX64 || type == onnx::TensorProto::COMPLEX128;
}

}  // namespace cadastre::onnx_import
