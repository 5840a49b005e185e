#pragma once

#include <string>

namespace cadastre::onnx_import {

/// The path of the module that a node is of, from the name that PyTorch's exporter gives the node:
/// `layer1.0.conv1` of `/layer1/layer1.0/conv1/Conv`; "" where the name has no such form.
[[nodiscard]] std::string module_path(const std::string& node_name);

}  // namespace cadastre::onnx_import
