#include "planner/onnx/shapes.h"

#include <onnx/shape_inference/implementation.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <set>

#include "planner/error.h"
#include "planner/onnx/static_values.h"
#include "planner/refusal.h"

namespace cadastre::onnx_import {

namespace {

/// `(batch, 3, ?, ?)`.
std::string dimensions_text(const onnx::TensorShapeProto& shape) {
  std::string text = "(";
  for (int i = 0; i < shape.dim_size(); ++i) {
    const auto& extent = shape.dim(i);
    if (i > 0) text += ", ";
    if (extent.has_dim_value())
      text += std::to_string(extent.dim_value());
    else
      text += extent.dim_param().empty() ? "?" : extent.dim_param();
  }
  return text + ")";
}

[[noreturn]] void refuse_input(const std::string& file, const std::string& name,
                               const onnx::TensorShapeProto& found) {
  throw InputError(file, "",
                   "expected the shape of input " + in_quotes(name) + ", found " +
                       dimensions_text(found) + "; say it with --input-shape " + name +
                       "=C,H,W, without the samples");
}

void put_shape(const std::string& file, const std::string& name, const Shape& given,
               onnx::TensorShapeProto& shape) {
  const std::string expected =
      "expected for input " + in_quotes(name) + " a shape that fits " + dimensions_text(shape);
  if (shape.dim_size() != static_cast<int>(given.size()) + 1)
    throw InputError(file, "",
                     expected + " without its first, found one of " + std::to_string(given.size()) +
                         " dimensions");
  for (std::size_t i = 0; i < given.size(); ++i) {
    auto& extent = *shape.mutable_dim(static_cast<int>(i) + 1);
    if (extent.has_dim_value() && extent.dim_value() != given[i])
      throw InputError(file, "",
                       expected + ", found " + std::to_string(given[i]) + " in dimension " +
                           std::to_string(i + 1));
    extent.set_dim_value(given[i]);
  }
}

const InputShape* shape_for(const std::vector<InputShape>& given, const std::string& name,
                            std::size_t num_inputs) {
  for (const InputShape& shape : given)
    if (shape.name == name || (shape.name.empty() && num_inputs == 1)) return &shape;
  return nullptr;
}

void check_names(const std::vector<InputShape>& given, const std::vector<std::string>& names) {
  for (const InputShape& shape : given) {
    if (shape.name.empty() && names.size() == 1) continue;
    if (std::find(names.begin(), names.end(), shape.name) != names.end()) continue;
    throw InputError("--input-shape", "",
                     "expected the name of an input (" + listed(names) + "), found " +
                         in_quotes(shape.name) + did_you_mean(shape.name, names));
  }
}

/// Makes every input's shape known. Returns the samples that they hold.
std::int64_t fix_inputs(onnx::GraphProto& graph, const std::vector<InputShape>& given,
                        const std::string& file) {
  std::vector<std::string> names;
  for (const auto* input : model_inputs(graph)) names.push_back(input->name());
  if (names.empty()) throw InputError(file, "", "expected a model with an input, found none");
  check_names(given, names);
  std::vector<onnx::TensorShapeProto*> shapes;
  std::int64_t num_samples = 0;
  std::string first;  // input that says how many
  for (onnx::ValueInfoProto& input : *graph.mutable_input()) {
    if (std::find(names.begin(), names.end(), input.name()) == names.end()) continue;
    if (!input.type().has_tensor_type())
      throw InputError(
          file, "",
          "expected tensors as inputs, found " + in_quotes(input.name()) + " of another type");
    onnx::TensorShapeProto& shape = *input.mutable_type()->mutable_tensor_type()->mutable_shape();
    if (const InputShape* said = shape_for(given, input.name(), names.size()))
      put_shape(file, input.name(), said->shape, shape);
    if (shape.dim_size() == 0) refuse_input(file, input.name(), shape);
    for (int i = 1; i < shape.dim_size(); ++i)
      if (!shape.dim(i).has_dim_value() || shape.dim(i).dim_value() < 1)
        refuse_input(file, input.name(), shape);
    shapes.push_back(&shape);
    if (!shape.dim(0).has_dim_value()) continue;
    const std::int64_t found = shape.dim(0).dim_value();
    if (num_samples == 0) {
      num_samples = found;
      first = input.name();
    }
    if (found < 1 || found != num_samples)
      throw InputError(file, "",
                       "expected as many samples in the first dimension of input " +
                           in_quotes(input.name()) + " as in that of " + in_quotes(first) + " (" +
                           std::to_string(num_samples) + "), found " + std::to_string(found));
  }
  num_samples = std::max<std::int64_t>(num_samples, 1);
  for (onnx::TensorShapeProto* shape : shapes) shape->mutable_dim(0)->set_dim_value(num_samples);
  return num_samples;
}

/// What the file says of shapes may hold for another batch.
void forget_shapes(onnx::GraphProto& graph) {
  graph.clear_value_info();
  for (onnx::ValueInfoProto& output : *graph.mutable_output())
    if (output.type().has_tensor_type())
      output.mutable_type()->mutable_tensor_type()->clear_shape();
}

[[noreturn]] void refuse_shapes(const std::exception& error, const std::string& file) {
  std::string reason = error.what();
  std::replace(reason.begin(), reason.end(), '\n', ' ');
  throw InputError(file, "", "expected shapes that fit together, found: " + reason);
}

void infer(onnx::ModelProto& model, const std::string& file) {
  constexpr bool kCheckTypes = true;
  constexpr int kStrict = 1;
  try {
    forget_shapes(*model.mutable_graph());
    onnx::shape_inference::InferShapes(model, onnx::OpSchemaRegistry::Instance(),
                                       onnx::ShapeInferenceOptions(kCheckTypes, kStrict));
  } catch (const std::exception& error) {
    refuse_shapes(error, file);
  }
}

/// The same for what computes shapes; ONNX's own parts throw on tensors that contradict themselves.
bool fold(onnx::GraphProto& graph, const std::string& file) {
  try {
    return fold_static_values(graph);
  } catch (const std::exception& error) {
    refuse_shapes(error, file);
  }
}

Tensor tensor_of(const onnx::TypeProto& type) {
  Tensor tensor;
  if (!type.has_tensor_type()) return tensor;
  const auto& of_tensor = type.tensor_type();
  tensor.element_bytes = bytes_of_type(of_tensor.elem_type());
  tensor.is_float = is_float_type(of_tensor.elem_type());
  if (!of_tensor.has_shape()) return tensor;
  tensor.has_shape = true;
  for (const auto& extent : of_tensor.shape().dim()) {
    if (!extent.has_dim_value()) tensor.has_shape = false;
    tensor.shape.push_back(extent.dim_value());
  }
  return tensor;
}

}  // namespace

std::vector<const onnx::ValueInfoProto*> model_inputs(const onnx::GraphProto& graph) {
  std::set<std::string> weights;
  for (const auto& tensor : graph.initializer()) weights.insert(tensor.name());
  std::vector<const onnx::ValueInfoProto*> inputs;
  for (const auto& input : graph.input())
    if (!weights.contains(input.name())) inputs.push_back(&input);
  return inputs;
}

InferredShapes infer_shapes(onnx::ModelProto& model, const std::vector<InputShape>& given,
                            const std::string& file) {
  onnx::GraphProto& graph = *model.mutable_graph();
  InferredShapes inferred{.tensors = {}, .num_samples = fix_inputs(graph, given, file)};
  do infer(model, file);
  while (fold(graph, file));
  Tensors& tensors = inferred.tensors;
  for (const auto& value : graph.value_info()) tensors[value.name()] = tensor_of(value.type());
  for (const auto& value : graph.output()) tensors[value.name()] = tensor_of(value.type());
  for (const auto* value : model_inputs(graph)) tensors[value->name()] = tensor_of(value->type());
  for (const onnx::TensorProto& weight : graph.initializer()) {
    Tensor& tensor = tensors[weight.name()];
    tensor = {.has_shape = true,
              .shape = {weight.dims().begin(), weight.dims().end()},
              .element_bytes = bytes_of_type(weight.data_type()),
              .is_float = is_float_type(weight.data_type()),
              .is_static = true};
  }
  return inferred;
}

}  // namespace cadastre::onnx_import
