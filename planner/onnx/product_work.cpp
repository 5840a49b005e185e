#include "planner/onnx/product_work.h"

#include <algorithm>
#include <map>

#include "planner/onnx/node_attributes.h"

namespace cadastre::onnx_import {

namespace {

constexpr double kMultiplyAndAdd = 2;

double extent(const Tensor& tensor, std::size_t index) {
  return index < tensor.shape.size() ? static_cast<double>(tensor.shape[index]) : 1;
}

double product_from(const Tensor& tensor, std::size_t begin) {
  double result = 1;
  for (std::size_t i = begin; i < tensor.shape.size(); ++i) result *= extent(tensor, i);
  return result;
}

/// Weights (C_out, C_in / groups, k…): each output is a sum over all but the first.
double conv(const NodeTensors& tensors) {
  return kMultiplyAndAdd * product_from(*tensors.inputs.at(1), 1) *
         tensors.outputs.at(0)->num_elements();
}

/// Weights (C_in, C_out / groups, k…): each input goes into that many outputs.
double conv_transpose(const NodeTensors& tensors) {
  return kMultiplyAndAdd * product_from(*tensors.inputs.at(1), 1) *
         tensors.inputs.at(0)->num_elements();
}

double gemm(const NodeTensors& tensors) {
  const bool is_transposed = integer(*tensors.node, "transA", 0) != 0;
  return kMultiplyAndAdd * extent(*tensors.inputs.at(0), is_transposed ? 0 : 1) *
         tensors.outputs.at(0)->num_elements();
}

double mat_mul(const NodeTensors& tensors) {
  const Tensor& left = *tensors.inputs.at(0);
  const double inner = left.shape.empty() ? 1 : static_cast<double>(left.shape.back());
  return kMultiplyAndAdd * inner * tensors.outputs.at(0)->num_elements();
}

/// The product of the extents of all letters, for each operand after the first.
double einsum(const NodeTensors& tensors) {
  const std::string equation = text(*tensors.node, "equation", "");
  std::map<char, double> extents;
  std::size_t operand = 0;
  std::size_t dimension = 0;
  for (const char letter : equation) {
    if (letter == '-') break;
    if (letter == ',') {
      ++operand;
      dimension = 0;
    } else if (letter != ' ' && operand < tensors.inputs.size()) {
      extents[letter] = extent(*tensors.inputs[operand], dimension++);
    }
  }
  double result = 1;
  for (const auto& [letter, size] : extents) result *= size;
  const auto num_products = static_cast<double>(tensors.inputs.size()) - 1;
  return kMultiplyAndAdd * num_products * result;
}

/// X (…, I) of T × N rows, W (D, gates × H, I), R (D, gates × H, H).
double recurrent(const NodeTensors& tensors) {
  const Tensor& x = *tensors.inputs.at(0);
  const Tensor& weights = *tensors.inputs.at(1);
  const double width = extent(x, 2);
  const double rows = width > 0 ? x.num_elements() / width : 0;
  const double hidden = extent(*tensors.inputs.at(2), 2);
  return kMultiplyAndAdd * rows * extent(weights, 0) * extent(weights, 1) * (width + hidden);
}

using Count = double (*)(const NodeTensors&);

const std::map<std::string, Count>& counts() {
  static const std::map<std::string, Count> all = {
      {"Conv", conv},     {"ConvTranspose", conv_transpose},
      {"Gemm", gemm},     {"MatMul", mat_mul},
      {"Einsum", einsum}, {"LSTM", recurrent},
      {"GRU", recurrent}, {"RNN", recurrent}};
  return all;
}

bool is_recurrent(const std::string& operation) {
  return operation == "LSTM" || operation == "GRU" || operation == "RNN";
}

}  // namespace

bool is_product(const std::string& operation) { return counts().contains(operation); }

bool has_all_operands(const NodeTensors& tensors) {
  const std::string& operation = tensors.node->op_type();
  if (!is_product(operation)) return true;
  // An Einsum may have one operand, or many.
  std::size_t num_operands = operation == "Einsum" ? tensors.inputs.size() : 2;
  if (is_recurrent(operation)) num_operands = 3;
  return tensors.inputs.size() >= num_operands &&
         std::count(tensors.inputs.begin(),
                    tensors.inputs.begin() + static_cast<std::ptrdiff_t>(num_operands),
                    nullptr) == 0;
}

std::optional<double> product_flops(const NodeTensors& tensors) {
  const auto count = counts().find(tensors.node->op_type());
  if (count == counts().end()) return std::nullopt;
  return count->second(tensors);
}

double gate_elements(const NodeTensors& tensors) {
  if (!is_recurrent(tensors.node->op_type())) return 0;
  const Tensor& x = *tensors.inputs.at(0);
  const Tensor& weights = *tensors.inputs.at(1);
  const double width = extent(x, 2);
  return width > 0 ? x.num_elements() / width * extent(weights, 0) * extent(weights, 1) : 0;
}

}  // namespace cadastre::onnx_import
