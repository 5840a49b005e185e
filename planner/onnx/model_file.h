#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>

namespace cadastre::onnx_import {

/// Reads an ONNX model. Weights are dropped once their shapes are known, but for small tensors of
/// integers, which may say shapes; external files of weights are not needed.
///
/// Throws InputError when the file is none, or was written for a newer ONNX than this one.
[[nodiscard]] onnx::ModelProto read_model_file(const std::filesystem::path& file);

}  // namespace cadastre::onnx_import
