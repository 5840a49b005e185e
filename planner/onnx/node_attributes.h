#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <string>
#include <vector>

namespace cadastre::onnx_import {

// Attributes of a node by name, or what the operation takes where it has none of that name.

[[nodiscard]] const onnx::AttributeProto* attribute(const onnx::NodeProto& node,
                                                    const std::string& name);
[[nodiscard]] std::int64_t integer(const onnx::NodeProto& node, const std::string& name,
                                   std::int64_t otherwise);
[[nodiscard]] std::vector<std::int64_t> integers(const onnx::NodeProto& node,
                                                 const std::string& name,
                                                 std::vector<std::int64_t> otherwise);
[[nodiscard]] std::string text(const onnx::NodeProto& node, const std::string& name,
                               const std::string& otherwise);

/// `Conv "/layer1/conv1/Conv"`: how errors name a node, by its first output where it has no name.
[[nodiscard]] std::string node_text(const onnx::NodeProto& node);

}  // namespace cadastre::onnx_import
