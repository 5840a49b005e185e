#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>

namespace cadastre::onnx_import {

/// Larger tensors say no shapes.
inline constexpr std::int64_t kMostStaticNumbers = 1024;

/// Replaces what computes shapes out of shapes (Shape, Gather, Concat, …) by its value, as far as
/// the shapes that the graph knows so far tell it: exporters write `x.view(n, -1)` so when a
/// dimension may change. Returns whether anything was replaced: shapes inferred anew may then know
/// more. Only vectors and single numbers are computed; the rest stays.
[[nodiscard]] bool fold_static_values(onnx::GraphProto& graph);

}  // namespace cadastre::onnx_import
