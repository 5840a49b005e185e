#include "tests/planner/onnx/model_builder.h"

#include <stdexcept>
#include <utility>

#include "planner/files.h"

namespace cadastre::test {

namespace {

constexpr int kFormatVersion = 8;
constexpr int kOperationsVersion = 13;

void set_attribute(onnx::AttributeProto& attribute, const OnnxAttribute& value) {
  attribute.set_name(value.name);
  if (const auto* number = std::get_if<std::int64_t>(&value.value)) {
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(*number);
  } else if (const auto* numbers = std::get_if<Extents>(&value.value)) {
    attribute.set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t content : *numbers) attribute.add_ints(content);
  } else {
    attribute.set_type(onnx::AttributeProto::STRING);
    attribute.set_s(std::get<std::string>(value.value));
  }
}

void set_input(onnx::ValueInfoProto& value, const std::string& name, const Extents& shape) {
  value.set_name(name);
  auto& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  for (const std::int64_t extent : shape) {
    auto& dimension = *type.mutable_shape()->add_dim();
    if (extent > 0)
      dimension.set_dim_value(extent);
    else
      dimension.set_dim_param("open");
  }
}

/// Writes a native layer as nodes.
class LayerWriter {
 public:
  /// `input` is the shape of the layer's first input.
  LayerWriter(OnnxBuilder& builder, const Layer& layer, const Shape& input)
      : builder_(builder), layer_(layer), channels_(input.front()), extent_(input.back()) {}

  void operator()(const Conv2d& conv) {
    std::vector<std::string> inputs = {layer_.inputs.front(),
                                       weight("weight", {conv.out_channels, channels_ / conv.groups,
                                                         conv.kernel_size, conv.kernel_size})};
    if (conv.bias) inputs.push_back(weight("bias", {conv.out_channels}));
    write("Conv", inputs,
          {{"kernel_shape", square(conv.kernel_size)},
           {"strides", square(conv.stride)},
           {"dilations", square(conv.dilation)},
           {"pads", Extents(4, conv.padding)},
           {"group", conv.groups}});
  }

  void operator()(const BatchNorm2d&) {
    std::vector<std::string> inputs = {layer_.inputs.front()};
    for (const char* name : {"weight", "bias", "mean", "variance"})
      inputs.push_back(weight(name, {channels_}));
    write("BatchNormalization", inputs, {});
  }

  void operator()(const Relu&) { write("Relu", layer_.inputs, {}); }

  void operator()(const MaxPool2d& pool) {
    write("MaxPool", layer_.inputs,
          {{"kernel_shape", square(pool.kernel_size)},
           {"strides", square(pool.stride)},
           {"pads", Extents(4, pool.padding)}});
  }

  void operator()(const AdaptiveAvgPool2d& pool) {
    if (pool.output_size == 1) {
      write("GlobalAveragePool", layer_.inputs, {});
      return;
    }
    const Extents window = square(extent_ / pool.output_size);
    write("AveragePool", layer_.inputs, {{"kernel_shape", window}, {"strides", window}});
  }

  void operator()(const CenterCrop2d& crop) {
    const std::int64_t begin = center_crop_begin(extent_, crop.size);
    std::vector<std::string> inputs = layer_.inputs;
    for (const auto& [name, value] :
         {std::pair("begin", begin), std::pair("end", begin + crop.size)}) {
      inputs.push_back(layer_.id + "." + name);
      builder_.integers(inputs.back(), square(value));
    }
    inputs.push_back(layer_.id + ".axes");
    builder_.integers(inputs.back(), {2, 3});
    write("Slice", inputs, {});
  }

  void operator()(const Flatten&) { write("Flatten", layer_.inputs, {}); }

  void operator()(const Linear& linear) {
    std::vector<std::string> inputs = {layer_.inputs.front(),
                                       weight("weight", {linear.out_features, channels_})};
    if (linear.bias) inputs.push_back(weight("bias", {linear.out_features}));
    write("Gemm", inputs, {{"transB", std::int64_t{1}}});
  }

  void operator()(const Dropout&) { write("Dropout", layer_.inputs, {}); }

  void operator()(const Concat&) { write("Concat", layer_.inputs, {{"axis", std::int64_t{1}}}); }

  void operator()(const Add&) { write("Sum", layer_.inputs, {}); }

  void operator()(const Profiled&) { throw std::invalid_argument("no such operation"); }

  void operator()(const TorchScript&) { throw std::invalid_argument("no such operation"); }

 private:
  static Extents square(std::int64_t extent) { return {extent, extent}; }

  std::string weight(const std::string& name, const Extents& shape) {
    builder_.weight(layer_.id + "." + name, shape);
    return layer_.id + "." + name;
  }

  void write(const std::string& operation, const std::vector<std::string>& inputs,
             const std::vector<OnnxAttribute>& attributes) {
    builder_.node(operation, inputs, {layer_.id}, attributes);
    builder_.model.mutable_graph()
        ->mutable_node(builder_.model.graph().node_size() - 1)
        ->set_name(layer_.id);
  }

  OnnxBuilder& builder_;
  const Layer& layer_;
  std::int64_t channels_;  // of the first input, or its features
  std::int64_t extent_;    // its last
};

}  // namespace

OnnxBuilder::OnnxBuilder() {
  model.set_ir_version(kFormatVersion);
  model.add_opset_import()->set_version(kOperationsVersion);
  model.mutable_graph()->set_name("test");
}

OnnxBuilder& OnnxBuilder::input(const std::string& name, const Extents& shape) {
  set_input(*model.mutable_graph()->add_input(), name, shape);
  return *this;
}

OnnxBuilder& OnnxBuilder::weight(const std::string& name, const Extents& shape) {
  onnx::TensorProto& tensor = *model.mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  std::size_t bytes = sizeof(float);
  for (const std::int64_t extent : shape) {
    tensor.add_dims(extent);
    bytes *= static_cast<std::size_t>(extent);
  }
  tensor.set_raw_data(std::string(bytes, '\0'));
  return *this;
}

OnnxBuilder& OnnxBuilder::integers(const std::string& name, const Extents& values) {
  onnx::TensorProto& tensor = *model.mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::INT64);
  tensor.add_dims(static_cast<std::int64_t>(values.size()));
  for (const std::int64_t value : values) tensor.add_int64_data(value);
  return *this;
}

OnnxBuilder& OnnxBuilder::node(const std::string& operation, const std::vector<std::string>& inputs,
                               const std::vector<std::string>& outputs,
                               const std::vector<OnnxAttribute>& attributes) {
  onnx::NodeProto& node = *model.mutable_graph()->add_node();
  node.set_op_type(operation);
  for (const std::string& name : inputs) node.add_input(name);
  for (const std::string& name : outputs) node.add_output(name);
  for (const OnnxAttribute& attribute : attributes) set_attribute(*node.add_attribute(), attribute);
  return *this;
}

OnnxBuilder& OnnxBuilder::output(const std::string& name) {
  onnx::ValueInfoProto& value = *model.mutable_graph()->add_output();
  value.set_name(name);
  value.mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
  return *this;
}

void OnnxBuilder::save(const std::filesystem::path& file) const {
  write_file(file, model.SerializeAsString());
}

OnnxBuilder onnx_of(const ModelGraph& model, std::int64_t num_samples) {
  OnnxBuilder builder;
  for (const ModelInput& input : model.inputs) {
    Extents shape = {num_samples};
    shape.insert(shape.end(), input.shape.begin(), input.shape.end());
    builder.input(input.name, shape);
  }
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const auto first = static_cast<std::size_t>(sources[i].front().index);
    const Shape& shape = sources[i].front().is_model_input ? model.inputs[first].shape
                                                           : model.layers[first].output_shape;
    std::visit(LayerWriter(builder, model.layers[i], shape), model.layers[i].operation);
  }
  return builder.output(model.output);
}

}  // namespace cadastre::test
