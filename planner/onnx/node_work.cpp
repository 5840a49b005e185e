#include "planner/onnx/node_work.h"

#include <algorithm>
#include <cmath>

#include "planner/onnx/node_attributes.h"
#include "planner/onnx/operation_table.h"
#include "planner/onnx/product_work.h"

namespace cadastre::onnx_import {

namespace {

/// Counts per sample and, for parameters and other static tensors, per pass.
class Counter {
 public:
  explicit Counter(const NodeTensors& tensors)
      : tensors_(tensors), samples_(static_cast<double>(tensors.num_samples)) {
    for (const Tensor* output : tensors.outputs)
      if (output != nullptr) outputs_bytes_ += output->bytes() / samples_;
  }

  NodeCost cost() {
    cost_.keeps_input.assign(tensors_.inputs.size(), false);
    if (is_product(tensors_.node->op_type()))
      count_product();
    else
      count_facts(*operation_facts(tensors_.node->op_type()));
    if (num_gradients() == 0) {
      cost_.work.backward = {};
      cost_.keeps_input.assign(tensors_.inputs.size(), false);
      cost_.keeps_output = false;
      cost_.own_bytes_per_sample = 0;
    }
    return cost_;
  }

 private:
  [[nodiscard]] const Tensor& first_input() const { return *tensors_.inputs.at(0); }

  [[nodiscard]] const Tensor& first_output() const { return *tensors_.outputs.at(0); }

  [[nodiscard]] double output_elements() const { return first_output().num_elements() / samples_; }

  [[nodiscard]] double input_elements() const {
    return first_input().num_elements() / (first_input().is_static ? 1 : samples_);
  }

  [[nodiscard]] double num_gradients() const {
    return static_cast<double>(
        std::count_if(tensors_.inputs.begin(), tensors_.inputs.end(),
                      [](const Tensor* input) { return input != nullptr && input->learns; }));
  }

  /// Adds the bytes of `tensor`, `times` over: to those of a sample, or of a pass where it has
  /// none.
  void move(PassWork& pass, const Tensor& tensor, double times) const {
    if (tensor.is_static)
      pass.bytes += times * tensor.bytes();
    else
      pass.bytes_per_sample += times * tensor.bytes() / samples_;
  }

  void move_outputs(PassWork& pass, double times) const {
    pass.bytes_per_sample += times * outputs_bytes_;
  }

  /// Every tensor once; backward: the gradient of the output and what was kept are read, and those
  /// of the inputs written.
  void count_moves() {
    PassWork& forward = cost_.work.forward;
    PassWork& backward = cost_.work.backward;
    for (std::size_t i = 0; i < tensors_.inputs.size(); ++i) {
      const Tensor* input = tensors_.inputs[i];
      if (input == nullptr) continue;
      move(forward, *input, 1);
      if (cost_.keeps_input[i]) move(backward, *input, 1);
      if (input->learns) move(backward, *input, 1);
    }
    move_outputs(forward, 1);
    move_outputs(backward, cost_.keeps_output ? 2 : 1);
    forward.bytes_per_sample += cost_.own_bytes_per_sample;
    backward.bytes_per_sample += cost_.own_bytes_per_sample;
  }

  void count_product() {
    const double flops = *product_flops(tensors_) / samples_;
    const bool has_bias =
        tensors_.inputs.size() > 2 && tensors_.inputs[2] != nullptr && gate_elements(tensors_) == 0;
    const double bias_flops = has_bias ? output_elements() : 0;
    cost_.product_flops_per_sample = flops;
    cost_.own_bytes_per_sample =
        gate_elements(tensors_) / samples_ * static_cast<double>(first_output().element_bytes);
    PassWork& forward = cost_.work.forward;
    PassWork& backward = cost_.work.backward;
    forward.flops_per_sample = flops + bias_flops;
    const std::size_t num_operands = std::min<std::size_t>(tensors_.inputs.size(), 2);
    double num_products = 0;  // of the backward pass
    for (std::size_t i = 0; i < num_operands; ++i)
      if (tensors_.inputs[i] != nullptr && tensors_.inputs[i]->learns) ++num_products;
    backward.flops_per_sample = num_products * flops;
    if (has_bias && tensors_.inputs[2]->learns) backward.flops_per_sample += bias_flops;
    for (std::size_t i = 0; i < tensors_.inputs.size(); ++i) {
      const Tensor* input = tensors_.inputs[i];
      if (input == nullptr) continue;
      move(forward, *input, 1);
      move(backward, *input, num_products);
      if (i >= num_operands) continue;
      // An operand is kept for the gradient of the others.
      for (std::size_t k = 0; k < num_operands; ++k)
        if (k != i && tensors_.inputs[k] != nullptr && tensors_.inputs[k]->learns)
          cost_.keeps_input[i] = true;
    }
    move_outputs(forward, 1);
    move_outputs(backward, num_products);
    forward.bytes_per_sample += cost_.own_bytes_per_sample;
    backward.bytes_per_sample += cost_.own_bytes_per_sample;
  }

  void count_facts(const OperationFacts& facts) {
    set_kept(facts);
    switch (facts.operation_class) {
      case OperationClass::kView:
        cost_.kind = NodeKind::kView;
        return;
      case OperationClass::kElementwise:
        count_elementwise(facts);
        return;
      case OperationClass::kNormalization:
        count_normalization(facts);
        return;
      case OperationClass::kReduction:
        add_flops(facts, input_elements() + output_elements());
        count_moves();
        return;
      case OperationClass::kWindow:
        count_window(facts);
        return;
      case OperationClass::kDropout:
        count_dropout(facts);
        return;
      case OperationClass::kSelection:
        count_selection();
        return;
      case OperationClass::kMove:
        count_move();
        return;
    }
  }

  void set_kept(const OperationFacts& facts) {
    cost_.keeps_output = facts.keeps == Keeps::kOutput;
    if (facts.keeps == Keeps::kInputs)
      for (std::size_t i = 0; i < tensors_.inputs.size(); ++i) cost_.keeps_input[i] = true;
    // Of a product of two, one is kept for the gradient of the other.
    if (facts.keeps == Keeps::kInputs && tensors_.node->op_type() == "Mul" &&
        tensors_.inputs.size() == 2)
      for (std::size_t i = 0; i < 2; ++i)
        cost_.keeps_input[i] = tensors_.inputs[1 - i] != nullptr && tensors_.inputs[1 - i]->learns;
  }

  void add_flops(const OperationFacts& facts, double elements) {
    cost_.work.forward.flops_per_sample += facts.forward_flops * elements;
    cost_.work.backward.flops_per_sample += facts.backward_flops * elements * num_gradients();
  }

  void count_elementwise(const OperationFacts& facts) {
    cost_.kind = NodeKind::kElementwise;
    const std::string& operation = tensors_.node->op_type();
    const bool is_sum = operation == "Sum" || operation == "Mean";
    const double num_terms =
        is_sum ? static_cast<double>(tensors_.inputs.size()) - 1 + (operation == "Mean" ? 1 : 0)
               : 1;
    add_flops(facts, output_elements() * num_terms);
    // What was made wider by broadcasting has its gradient added up.
    for (const Tensor* input : tensors_.inputs)
      if (input != nullptr && input->learns &&
          input->num_elements() < first_output().num_elements())
        cost_.work.backward.flops_per_sample += output_elements();
    count_moves();
  }

  void count_normalization(const OperationFacts& facts) {
    cost_.kind = NodeKind::kElementwise;
    cost_.work.forward.flops_per_sample = facts.forward_flops * input_elements();
    cost_.work.backward.flops_per_sample = facts.backward_flops * input_elements();
    for (std::size_t i = 1; i < cost_.keeps_input.size(); ++i) cost_.keeps_input[i] = false;
    for (std::size_t i = 0; i < tensors_.inputs.size(); ++i) {
      const Tensor* input = tensors_.inputs[i];
      if (input == nullptr) continue;
      // Twice, for the statistics and to normalise; backward likewise, and its gradient written.
      if (i == 0) {
        move(cost_.work.forward, *input, 2);
        move(cost_.work.backward, *input, input->learns ? 3 : 2);
      } else if (input->learns) {
        move(cost_.work.forward, *input, 1);
        move(cost_.work.backward, *input, 2);
      }
    }
    move(cost_.work.forward, first_output(), 1);
    move(cost_.work.backward, first_output(), 2);
  }

  void count_window(const OperationFacts& facts) {
    double window = 1;
    for (const std::int64_t extent : integers(*tensors_.node, "kernel_shape", {}))
      window *= static_cast<double>(extent);
    if (tensors_.node->op_type() == "LRN")
      window = static_cast<double>(integer(*tensors_.node, "size", 1));
    const double elements = output_elements();
    cost_.work.forward.flops_per_sample = facts.forward_flops * window * elements;
    cost_.work.backward.flops_per_sample = facts.backward_flops * window * elements;
    if (tensors_.node->op_type() == "MaxPool") {
      constexpr double kBytesPerIndex = 4;  // as the executor keeps them
      cost_.work.backward.flops_per_sample = elements;
      cost_.own_bytes_per_sample = kBytesPerIndex * elements;
    }
    count_moves();
    if (tensors_.node->op_type() == "AveragePool") {
      cost_.work.forward.flops_per_sample += elements;  // the quotients
      cost_.work.backward.flops_per_sample += elements;
      cost_.keeps_input[0] = true;  // as LibTorch does, for its shape alone
    }
  }

  /// As in training, whatever the mode that the file was exported in.
  void count_dropout(const OperationFacts& facts) {
    cost_.kind = NodeKind::kElementwise;
    const double bytes = first_output().bytes() / samples_;
    cost_.own_bytes_per_sample = bytes;
    cost_.work.forward = {.flops_per_sample = facts.forward_flops * output_elements(),
                          .bytes_per_sample = 4 * bytes};
    cost_.work.backward = {.flops_per_sample = facts.backward_flops * output_elements(),
                           .bytes_per_sample = 3 * bytes};
  }

  void count_selection() {
    cost_.work.forward.bytes_per_sample = 2 * outputs_bytes_;
    cost_.work.backward.bytes_per_sample = 2 * outputs_bytes_;
    move(cost_.work.backward, first_input(), 1);
  }

  void count_move() {
    const std::string& operation = tensors_.node->op_type();
    // Exporters write padding by nothing, and resizing to the same size.
    if ((operation == "Pad" || operation == "Resize" || operation == "Expand") &&
        first_input().shape == first_output().shape) {
      cost_.kind = NodeKind::kView;
      return;
    }
    if (operation == "Resize" || operation == "Upsample") {
      const double num_sides =
          std::max<double>(0, static_cast<double>(first_output().shape.size()) - 2);
      const std::string mode = text(*tensors_.node, "mode", "nearest");
      // Multiplied and added per neighbour: 2^d of them, or 4^d.
      const double neighbours = mode == "nearest"  ? 0
                                : mode == "linear" ? std::pow(2, num_sides)
                                                   : std::pow(4, num_sides);
      cost_.work.forward.flops_per_sample = 2 * neighbours * output_elements();
      cost_.work.backward.flops_per_sample = 2 * neighbours * output_elements();
    }
    count_moves();
  }

  const NodeTensors& tensors_;
  double samples_;
  double outputs_bytes_ = 0;  // of a sample
  NodeCost cost_;
};

}  // namespace

bool is_known_operation(const onnx::NodeProto& node) {
  if (!node.domain().empty() && node.domain() != "ai.onnx") return false;
  return is_product(node.op_type()) || operation_facts(node.op_type()) != nullptr;
}

NodeCost node_cost(const NodeTensors& tensors) { return Counter(tensors).cost(); }

}  // namespace cadastre::onnx_import
