#include "planner/onnx/graph.h"

#include <algorithm>
#include <map>
#include <set>

#include "planner/error.h"
#include "planner/onnx/node_attributes.h"
#include "planner/onnx/product_work.h"
#include "planner/refusal.h"

namespace cadastre::onnx_import {

namespace {

bool has_subgraph(const onnx::NodeProto& node) {
  return std::any_of(node.attribute().begin(), node.attribute().end(),
                     [](const onnx::AttributeProto& attribute) { return attribute.has_g(); });
}

class Reader {
 public:
  Reader(const onnx::GraphProto& graph, const InferredShapes& inferred, const std::string& file)
      : graph_(graph), inferred_(inferred), file_(file), result_{.tensors = inferred.tensors} {}

  WorkGraph read() {
    mark_parameters();
    std::vector<bool> is_dynamic;
    for (const onnx::NodeProto& node : graph_.node()) is_dynamic.push_back(classify(node));
    const std::set<std::string> used = used_values(is_dynamic);
    for (int i = 0; i < graph_.node_size(); ++i) {
      const onnx::NodeProto& node = graph_.node(i);
      const bool is_used =
          std::any_of(node.output().begin(), node.output().end(),
                      [&](const std::string& name) { return used.contains(name); });
      if (is_dynamic[static_cast<std::size_t>(i)] && is_used) add(node, used);
    }
    if (result_.nodes.empty())
      throw InputError(file_, "", "expected operations on the model's inputs, found none");
    return std::move(result_);
  }

 private:
  void mark_parameters() {
    std::set<std::string> settings;  // and statistics: floats that are not trained
    for (const onnx::NodeProto& node : graph_.node()) {
      int first = node.input_size();
      if (node.op_type() == "BatchNormalization") first = 3;
      if (node.op_type() == "Resize" || node.op_type() == "Upsample") first = 1;
      for (int i = first; i < node.input_size(); ++i) settings.insert(node.input(i));
    }
    for (const onnx::TensorProto& weight : graph_.initializer()) {
      Tensor& tensor = result_.tensors.at(weight.name());
      if (!tensor.is_float || tensor.shape.empty() || settings.contains(weight.name())) continue;
      tensor.learns = true;
      tensor.parameters = {weight.name()};
    }
  }

  /// Says of the outputs whether they are static and learn. Returns whether they are not static.
  bool classify(const onnx::NodeProto& node) {
    bool is_static = true;
    bool learns = false;
    std::set<std::string> parameters;
    for (const std::string& name : node.input()) {
      if (name.empty()) continue;
      const auto found = result_.tensors.find(name);
      if (found == result_.tensors.end()) {
        if (!unknown_.contains(name))
          throw InputError(file_, "",
                           "expected a value made before it is read, found " + in_quotes(name) +
                               ", which " + node_text(node) + " reads");
        is_static = is_static && !unknown_.at(name);
        continue;
      }
      const Tensor& tensor = found->second;
      is_static = is_static && tensor.is_static;
      learns = learns || tensor.learns;
      parameters.insert(tensor.parameters.begin(), tensor.parameters.end());
    }
    if (node.op_type() == "Shape" || node.op_type() == "Size") {
      is_static = true;
      learns = false;
      parameters.clear();
    }
    if (has_subgraph(node)) is_static = false;
    for (const std::string& name : node.output()) {
      const auto found = result_.tensors.find(name);
      if (found == result_.tensors.end()) {
        unknown_[name] = !is_static;
        continue;
      }
      Tensor& tensor = found->second;
      tensor.is_static = is_static;
      tensor.learns = learns && tensor.is_float;
      if (is_static) tensor.parameters.assign(parameters.begin(), parameters.end());
    }
    return !is_static;
  }

  [[nodiscard]] std::set<std::string> used_values(const std::vector<bool>& is_dynamic) const {
    std::set<std::string> used;
    for (const auto& output : graph_.output()) used.insert(output.name());
    for (int i = graph_.node_size() - 1; i >= 0; --i) {
      const onnx::NodeProto& node = graph_.node(i);
      if (!is_dynamic[static_cast<std::size_t>(i)]) continue;
      if (std::none_of(node.output().begin(), node.output().end(),
                       [&](const std::string& name) { return used.contains(name); }))
        continue;
      used.insert(node.input().begin(), node.input().end());
    }
    return used;
  }

  void check_known(const onnx::NodeProto& node) const {
    if (has_subgraph(node))
      throw InputError(file_, "",
                       "expected operations that always run, found " + node_text(node) +
                           ", whose work depends on the data; export the model with the way that "
                           "it goes fixed");
    if (is_known_operation(node)) return;
    throw InputError(
        file_, "",
        "expected operations whose work follows from their shapes, found " + node_text(node));
  }

  const Tensor* known_tensor(const onnx::NodeProto& node, const std::string& name,
                             bool must_be_known) const {
    if (name.empty()) return nullptr;
    const auto found = result_.tensors.find(name);
    if (found != result_.tensors.end() && found->second.has_shape) return &found->second;
    if (!must_be_known) return nullptr;
    throw InputError(file_, "",
                     "expected a shape that follows from those of the inputs, found none for " +
                         in_quotes(name) + " of " + node_text(node) +
                         "; export the model with fixed shapes (without dynamic_axes)");
  }

  void add(const onnx::NodeProto& node, const std::set<std::string>& used) {
    check_known(node);
    NodeTensors tensors{
        .node = &node, .inputs = {}, .outputs = {}, .num_samples = inferred_.num_samples};
    WorkNode work{.node = &node, .cost = {}, .inputs = {}, .parameters = {}};
    std::set<std::string> parameters;
    for (const std::string& name : node.input()) {
      const auto found = result_.tensors.find(name);
      const bool is_static = found != result_.tensors.end() ? found->second.is_static
                             : name.empty()                 ? true
                                                            : !unknown_.at(name);
      tensors.inputs.push_back(known_tensor(node, name, !is_static));
      if (name.empty()) continue;
      if (!is_static) work.inputs.push_back(name);
      if (found != result_.tensors.end() && is_static)
        parameters.insert(found->second.parameters.begin(), found->second.parameters.end());
    }
    for (const std::string& name : node.output())
      tensors.outputs.push_back(known_tensor(node, name, used.contains(name)));
    check_operands(tensors);
    work.cost = node_cost(tensors);
    work.parameters.assign(parameters.begin(), parameters.end());
    result_.nodes.push_back(std::move(work));
  }

  /// What the cost is counted from: the first input and output, and both operands of a product.
  void check_operands(const NodeTensors& tensors) const {
    const bool is_there = !tensors.inputs.empty() && tensors.inputs.front() != nullptr &&
                          !tensors.outputs.empty() && tensors.outputs.front() != nullptr;
    if (is_there && has_all_operands(tensors)) return;
    throw InputError(file_, "",
                     "expected all operands and a first output of a known shape, found " +
                         node_text(*tensors.node) + " without");
  }

  const onnx::GraphProto& graph_;
  const InferredShapes& inferred_;
  const std::string& file_;
  WorkGraph result_;
  std::map<std::string, bool> unknown_;  // values without a type: whether they are dynamic
};

}  // namespace

WorkGraph work_graph(const onnx::GraphProto& graph, const InferredShapes& inferred,
                     const std::string& file) {
  return Reader(graph, inferred, file).read();
}

}  // namespace cadastre::onnx_import
