#include "planner/onnx/static_values.h"

#include <onnx/defs/tensor_proto_util.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "planner/onnx/node_attributes.h"
#include "planner/onnx/tensor.h"

namespace cadastre::onnx_import {

namespace {

/// A number or a vector of them; doubles hold every extent exactly.
struct Value {
  bool is_vector = true;
  bool is_integer = true;
  std::vector<double> numbers;
};

using Values = std::map<std::string, Value>;
using Shapes = std::map<std::string, std::vector<std::int64_t>>;

constexpr auto kMostNumbers = static_cast<std::size_t>(kMostStaticNumbers);

template <typename Number>
std::vector<double> numbers_of(const onnx::TensorProto& tensor) {
  const std::vector<Number> data = onnx::ParseData<Number>(&tensor);
  return {data.begin(), data.end()};
}

std::optional<Value> value_of(const onnx::TensorProto& tensor) {
  if (tensor.dims_size() > 1 || tensor.data_location() == onnx::TensorProto::EXTERNAL)
    return std::nullopt;
  const auto expected =
      static_cast<std::size_t>(tensor.dims_size() == 1 ? tensor.dims(0) : std::int64_t{1});
  if (expected > kMostNumbers) return std::nullopt;
  Value value{.is_vector = tensor.dims_size() == 1};
  switch (tensor.data_type()) {
    case onnx::TensorProto::INT64:
      value.numbers = numbers_of<std::int64_t>(tensor);
      break;
    case onnx::TensorProto::INT32:
      value.numbers = numbers_of<std::int32_t>(tensor);
      break;
    case onnx::TensorProto::FLOAT:
      value.is_integer = false;
      value.numbers = numbers_of<float>(tensor);
      break;
    default:
      return std::nullopt;
  }
  if (value.numbers.size() != expected) return std::nullopt;
  return value;
}

Value number(double content) { return {.is_vector = false, .numbers = {content}}; }

/// Computes one node. Its inputs are all known.
class Evaluation {
 public:
  Evaluation(const onnx::NodeProto& node, const Values& values) : node_(node) {
    for (const std::string& name : node.input())
      inputs_.push_back(name.empty() ? nullptr : &values.at(name));
  }

  std::optional<Value> result() const {
    const std::string& operation = node_.op_type();
    if (operation == "Identity" || operation == "Squeeze" || operation == "Unsqueeze" ||
        operation == "Reshape" || operation == "Cast")
      return same_numbers(operation);
    if (operation == "Gather") return gather();
    if (operation == "Slice") return slice();
    if (operation == "Concat") return concat();
    if (operation == "Range") return range();
    if (operation == "ReduceProd") return product();
    if (const auto binary = binary_operations().find(operation);
        binary != binary_operations().end())
      return pairwise(binary->second);
    if (operation == "Floor" || operation == "Ceil" || operation == "Neg") return each(operation);
    return std::nullopt;
  }

 private:
  using Binary = std::function<double(double, double)>;

  static const std::map<std::string, Binary>& binary_operations() {
    static const std::map<std::string, Binary> all = {
        {"Add", [](double a, double b) { return a + b; }},
        {"Sub", [](double a, double b) { return a - b; }},
        {"Mul", [](double a, double b) { return a * b; }},
        {"Div", [](double a, double b) { return b == 0 ? 0 : a / b; }},
        {"Min", [](double a, double b) { return std::min(a, b); }},
        {"Max", [](double a, double b) { return std::max(a, b); }}};
    return all;
  }

  [[nodiscard]] const Value* input(std::size_t index) const {
    return index < inputs_.size() ? inputs_[index] : nullptr;
  }

  std::optional<Value> same_numbers(const std::string& operation) const {
    Value value = *inputs_.at(0);
    if (operation == "Cast") {
      const std::int64_t type = integer(node_, "to", onnx::TensorProto::FLOAT);
      if (type == onnx::TensorProto::BOOL) return std::nullopt;
      value.is_integer = !is_float_type(static_cast<int>(type));
      if (value.is_integer)
        for (double& content : value.numbers) content = std::trunc(content);
    }
    if (operation == "Squeeze") {
      if (value.numbers.size() != 1) return std::nullopt;
      value.is_vector = false;
    }
    if (operation == "Unsqueeze" || operation == "Reshape") {
      if (operation == "Unsqueeze" && value.is_vector) return std::nullopt;
      if (operation == "Reshape" && (input(1) == nullptr || input(1)->numbers.size() > 1))
        return std::nullopt;
      value.is_vector = operation == "Unsqueeze" || !input(1)->numbers.empty();
    }
    return value;
  }

  std::optional<Value> gather() const {
    const Value& data = *inputs_.at(0);
    if (!data.is_vector) return std::nullopt;
    Value value{.is_vector = inputs_.at(1)->is_vector, .is_integer = data.is_integer};
    const auto size = static_cast<double>(data.numbers.size());
    for (double index : inputs_.at(1)->numbers) {
      if (index < 0) index += size;
      if (index < 0 || index >= size) return std::nullopt;
      value.numbers.push_back(data.numbers[static_cast<std::size_t>(index)]);
    }
    return value;
  }

  std::optional<Value> slice() const {
    const Value& data = *inputs_.at(0);
    if (!data.is_vector) return std::nullopt;
    const auto size = static_cast<std::int64_t>(data.numbers.size());
    const auto bound = [&](std::size_t index, const char* name,
                           std::int64_t otherwise) -> std::optional<std::int64_t> {
      const std::vector<std::int64_t> of_node = integers(node_, name, {});
      if (of_node.size() == 1) return of_node.front();
      const Value* value = input(index);
      if (value == nullptr) return otherwise;
      if (value->numbers.size() != 1) return std::nullopt;
      return static_cast<std::int64_t>(
          std::clamp(value->numbers.front(), -1e15, 1e15));  // an end may be INT64_MAX
    };
    const auto begin = bound(1, "starts", 0);
    const auto end = bound(2, "ends", size);
    const auto step = bound(4, "steps", 1);
    if (!begin || !end || step != 1) return std::nullopt;
    const auto place = [&](std::int64_t at) {
      return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size);
    };
    Value value{.is_integer = data.is_integer};
    for (std::int64_t i = place(*begin); i < place(*end); ++i)
      value.numbers.push_back(data.numbers[static_cast<std::size_t>(i)]);
    return value;
  }

  std::optional<Value> concat() const {
    Value value{.is_integer = inputs_.at(0)->is_integer};
    for (const Value* part : inputs_)
      value.numbers.insert(value.numbers.end(), part->numbers.begin(), part->numbers.end());
    return value;
  }

  std::optional<Value> range() const {
    const double begin = inputs_.at(0)->numbers.at(0);
    const double end = inputs_.at(1)->numbers.at(0);
    const double step = inputs_.at(2)->numbers.at(0);
    if (step == 0 || (end - begin) / step > static_cast<double>(kMostNumbers)) return std::nullopt;
    Value value{.is_integer = inputs_.at(0)->is_integer};
    for (double i = 0; i < std::ceil((end - begin) / step); ++i)
      value.numbers.push_back(begin + i * step);
    return value;
  }

  std::optional<Value> product() const {
    if (integer(node_, "keepdims", 1) != 0) return std::nullopt;
    double result = 1;
    for (const double content : inputs_.at(0)->numbers) result *= content;
    Value value = number(result);
    value.is_integer = inputs_.at(0)->is_integer;
    return value;
  }

  std::optional<Value> pairwise(const Binary& operation) const {
    if (inputs_.size() != 2) return std::nullopt;
    const Value& a = *inputs_[0];
    const Value& b = *inputs_[1];
    const std::size_t size = std::max(a.numbers.size(), b.numbers.size());
    if ((a.numbers.size() != size && a.numbers.size() != 1) ||
        (b.numbers.size() != size && b.numbers.size() != 1))
      return std::nullopt;
    Value value{.is_vector = a.is_vector || b.is_vector, .is_integer = a.is_integer};
    for (std::size_t i = 0; i < size; ++i) {
      const double result = operation(a.numbers[a.numbers.size() == 1 ? 0 : i],
                                      b.numbers[b.numbers.size() == 1 ? 0 : i]);
      value.numbers.push_back(value.is_integer ? std::trunc(result) : result);
    }
    return value;
  }

  std::optional<Value> each(const std::string& operation) const {
    Value value = *inputs_.at(0);
    for (double& content : value.numbers)
      content = operation == "Floor"  ? std::floor(content)
                : operation == "Ceil" ? std::ceil(content)
                                      : -content;
    return value;
  }

  const onnx::NodeProto& node_;
  std::vector<const Value*> inputs_;
};

Shapes known_shapes(const onnx::GraphProto& graph) {
  Shapes shapes;
  const auto add = [&](const onnx::ValueInfoProto& value) {
    const auto& type = value.type().tensor_type();
    if (!type.has_shape()) return;
    std::vector<std::int64_t> shape;
    for (const auto& extent : type.shape().dim()) {
      if (!extent.has_dim_value()) return;
      shape.push_back(extent.dim_value());
    }
    shapes[value.name()] = std::move(shape);
  };
  for (const auto& value : graph.input()) add(value);
  for (const auto& value : graph.value_info()) add(value);
  for (const auto& tensor : graph.initializer())
    shapes[tensor.name()] = {tensor.dims().begin(), tensor.dims().end()};
  return shapes;
}

/// Of Shape, Size and Constant, which need no values.
std::optional<Value> value_without_inputs(const onnx::NodeProto& node, const Shapes& shapes) {
  if (node.op_type() == "Constant") {
    if (const auto* tensor = attribute(node, "value")) return value_of(tensor->t());
    if (const auto* content = attribute(node, "value_int"))
      return number(static_cast<double>(content->i()));
    if (const auto* content = attribute(node, "value_ints"))
      return Value{.numbers = {content->ints().begin(), content->ints().end()}};
    return std::nullopt;
  }
  if (node.op_type() != "Shape" && node.op_type() != "Size") return std::nullopt;
  const auto shape = shapes.find(node.input(0));
  if (shape == shapes.end()) return std::nullopt;
  if (node.op_type() == "Size") {
    double count = 1;
    for (const std::int64_t extent : shape->second) count *= static_cast<double>(extent);
    return number(count);
  }
  const auto rank = static_cast<std::int64_t>(shape->second.size());
  const auto place = [&](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  Value value;
  for (std::int64_t i = place(integer(node, "start", 0)); i < place(integer(node, "end", rank));
       ++i)
    value.numbers.push_back(static_cast<double>(shape->second[static_cast<std::size_t>(i)]));
  return value;
}

void add_initializer(onnx::GraphProto& graph, const std::string& name, const Value& value) {
  onnx::TensorProto& tensor = *graph.add_initializer();
  tensor.set_name(name);
  if (value.is_vector) tensor.add_dims(static_cast<std::int64_t>(value.numbers.size()));
  tensor.set_data_type(value.is_integer ? onnx::TensorProto::INT64 : onnx::TensorProto::FLOAT);
  for (const double content : value.numbers) {
    if (value.is_integer)
      tensor.add_int64_data(static_cast<std::int64_t>(content));
    else
      tensor.add_float_data(static_cast<float>(content));
  }
}

}  // namespace

bool fold_static_values(onnx::GraphProto& graph) {
  const Shapes shapes = known_shapes(graph);
  Values values;
  for (const auto& tensor : graph.initializer())
    if (auto value = value_of(tensor)) values.emplace(tensor.name(), std::move(*value));
  bool has_folded = false;
  google::protobuf::RepeatedPtrField<onnx::NodeProto> left;
  for (onnx::NodeProto& node : *graph.mutable_node()) {
    std::optional<Value> value = value_without_inputs(node, shapes);
    const bool is_known =
        node.input_size() > 0 &&
        std::all_of(node.input().begin(), node.input().end(),
                    [&](const std::string& name) { return name.empty() || values.contains(name); });
    if (!value && is_known && node.output_size() == 1 && node.op_type() != "Shape" &&
        node.op_type() != "Size")
      value = Evaluation(node, values).result();
    if (!value || value->numbers.size() > kMostNumbers) {
      left.Add()->Swap(&node);
      continue;
    }
    values[node.output(0)] = *value;
    if (node.op_type() == "Constant") {  // already known to whoever infers shapes
      left.Add()->Swap(&node);
      continue;
    }
    add_initializer(graph, node.output(0), *value);
    has_folded = true;
  }
  graph.mutable_node()->Swap(&left);
  return has_folded;
}

}  // namespace cadastre::onnx_import
