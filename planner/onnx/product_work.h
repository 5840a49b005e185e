#pragma once

#include <optional>

#include "planner/onnx/node_work.h"

namespace cadastre::onnx_import {

/// Operations of a forward pass of a convolution, a matrix product or a recurrent layer, all
/// samples together and without the bias; nothing for other operations.
[[nodiscard]] std::optional<double> product_flops(const NodeTensors& tensors);

[[nodiscard]] bool is_product(const std::string& operation);

/// Whether the tensors that the operations are counted from are there; true of what is no product.
[[nodiscard]] bool has_all_operands(const NodeTensors& tensors);

/// Of LSTM, GRU and RNN: the elements of the gates, kept for the backward pass; else 0.
[[nodiscard]] double gate_elements(const NodeTensors& tensors);

}  // namespace cadastre::onnx_import
