#include <algorithm>
#include <nlohmann/json.hpp>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/model_family/model_family.h"
#include "planner/model_graph.h"
#include "planner/refusal.h"

namespace cadastre {

namespace {

// No real layer comes near it, and products of a few such numbers can still be checked in 64 bits.
constexpr std::int64_t kMostExtent = std::int64_t{1} << 24;
// Of a tensor without a shape of its own.
constexpr std::int64_t kMostElements = std::int64_t{1} << 40;

std::int64_t extent(const JsonPlace& place) { return place.integer(1, kMostExtent); }

std::int64_t extent_or(JsonObject& layer, std::string_view key, std::int64_t otherwise) {
  const std::optional<JsonPlace> place = layer.find(key);
  return place ? extent(*place) : otherwise;
}

std::int64_t padding_or_none(JsonObject& layer) {
  const std::optional<JsonPlace> place = layer.find("padding");
  return place ? place->integer(0, kMostExtent) : 0;
}

bool bias_or_true(JsonObject& layer) {
  const std::optional<JsonPlace> place = layer.find("bias");
  return place ? place->boolean() : true;
}

double fraction_or(JsonObject& layer, std::string_view key, double otherwise) {
  const std::optional<JsonPlace> place = layer.find(key);
  return place ? place->number(0, 1) : otherwise;
}

Shape shape_at(const JsonPlace& place) {
  Shape shape;
  for (const JsonPlace& size : place.array()) shape.push_back(size.integer(1, kMostElements));
  return shape;
}

std::vector<TensorSlot> slots_at(const JsonPlace& place) {
  std::vector<TensorSlot> slots;
  for (const JsonPlace& item : place.array()) {
    JsonObject object = item.object();
    TensorSlot slot;
    slot.name = object.at("name").string();
    slot.shape = shape_at(object.at("shape"));
    object.finish();
    slots.push_back(std::move(slot));
  }
  return slots;
}

RunningStatistics running_statistics_at(const JsonPlace& place,
                                        const std::vector<TensorSlot>& buffers) {
  JsonObject object = place.object();
  const auto most = static_cast<std::int64_t>(buffers.size()) - 1;
  RunningStatistics norm;
  norm.mean = static_cast<int>(object.at("mean").integer(0, most));
  norm.variance = static_cast<int>(object.at("variance").integer(0, most));
  norm.momentum = object.at("momentum").number(0, 1);
  object.finish();
  if (num_elements(buffers[static_cast<std::size_t>(norm.mean)].shape) !=
      num_elements(buffers[static_cast<std::size_t>(norm.variance)].shape))
    place.fail_expected("mean and variance of the same size");
  return norm;
}

TorchScript read_torch_script(JsonObject& layer) {
  TorchScript script;
  for (const std::string& line : layer.at("code").strings()) script.code += line + '\n';
  for (const JsonPlace& shape : layer.at("input_shapes").array())
    script.input_shapes.push_back(shape_at(shape));
  script.output_shape = shape_at(layer.at("output_shape"));
  script.parameters = slots_at(layer.at("parameters"));
  script.buffers = slots_at(layer.at("buffers"));
  for (const JsonPlace& norm : layer.at("batch_norms").array())
    script.batch_norms.push_back(running_statistics_at(norm, script.buffers));
  script.flops_per_sample = layer.at("flops_per_sample").number(0);
  script.saved_bytes_per_sample =
      layer.at("saved_bytes_per_sample").integer(0, kMostElements * kBytesPerElement);
  for (const JsonPlace& kept : layer.at("kept_inputs").array())
    script.kept_inputs.push_back(static_cast<int>(
        kept.integer(0, static_cast<std::int64_t>(script.input_shapes.size()) - 1)));
  script.keeps_output = layer.at("keeps_output").boolean();
  script.is_view = layer.at("is_view").boolean();
  return script;
}

/// Fields that PyTorch requires are required, others may be left out.
Operation read_operation(JsonObject& layer) {
  const std::string kind = kind_names()[layer.at("kind").one_of(kind_names())];
  if (kind == "conv2d") {
    return Conv2d{.out_channels = extent(layer.at("out_channels")),
                  .kernel_size = extent(layer.at("kernel_size")),
                  .stride = extent_or(layer, "stride", 1),
                  .padding = padding_or_none(layer),
                  .groups = extent_or(layer, "groups", 1),
                  .bias = bias_or_true(layer),
                  .dilation = extent_or(layer, "dilation", 1)};
  }
  if (kind == "batch_norm2d") {
    const std::optional<JsonPlace> eps = layer.find("eps");
    return BatchNorm2d{.eps = eps ? eps->positive() : BatchNorm2d{}.eps,
                       .momentum = fraction_or(layer, "momentum", BatchNorm2d{}.momentum)};
  }
  if (kind == "max_pool2d") {
    const std::int64_t kernel_size = extent(layer.at("kernel_size"));
    return MaxPool2d{.kernel_size = kernel_size,
                     .stride = extent_or(layer, "stride", kernel_size),
                     .padding = padding_or_none(layer)};
  }
  if (kind == "adaptive_avg_pool2d")
    return AdaptiveAvgPool2d{.output_size = extent(layer.at("output_size"))};
  if (kind == "center_crop2d") return CenterCrop2d{.size = extent(layer.at("size"))};
  if (kind == "linear")
    return Linear{.out_features = extent(layer.at("out_features")), .bias = bias_or_true(layer)};
  if (kind == "dropout") return Dropout{.p = fraction_or(layer, "p", Dropout{}.p)};
  if (kind == "profiled") {
    const std::optional<JsonPlace> parameters = layer.find("parameter_elements");
    return Profiled{.description = layer.at("description").string(),
                    .output_elements = layer.at("output_elements").integer(1, kMostElements),
                    .parameter_elements = parameters ? parameters->integer(0, kMostElements) : 0};
  }
  if (kind == "torch_script") return read_torch_script(layer);
  if (kind == "relu") return Relu{};
  if (kind == "flatten") return Flatten{};
  if (kind == "concat") return Concat{};
  return Add{};
}

nlohmann::json slots_json(const std::vector<TensorSlot>& slots) {
  nlohmann::json written = nlohmann::json::array();
  for (const TensorSlot& slot : slots)
    written.push_back({{"name", slot.name}, {"shape", slot.shape}});
  return written;
}

/// A text as its lines, each of which ends with a line feed.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

struct OperationFields {
  nlohmann::json& layer;

  void operator()(const Conv2d& conv) const {
    layer["out_channels"] = conv.out_channels;
    layer["kernel_size"] = conv.kernel_size;
    layer["stride"] = conv.stride;
    layer["padding"] = conv.padding;
    layer["groups"] = conv.groups;
    layer["bias"] = conv.bias;
    // Left out where there is none, as documents did before they knew it.
    if (conv.dilation != 1) layer["dilation"] = conv.dilation;
  }

  void operator()(const CenterCrop2d& crop) const { layer["size"] = crop.size; }

  void operator()(const BatchNorm2d& norm) const {
    layer["eps"] = norm.eps;
    layer["momentum"] = norm.momentum;
  }

  void operator()(const MaxPool2d& pool) const {
    layer["kernel_size"] = pool.kernel_size;
    layer["stride"] = pool.stride;
    layer["padding"] = pool.padding;
  }

  void operator()(const AdaptiveAvgPool2d& pool) const { layer["output_size"] = pool.output_size; }

  void operator()(const Linear& linear) const {
    layer["out_features"] = linear.out_features;
    layer["bias"] = linear.bias;
  }

  void operator()(const Dropout& dropout) const { layer["p"] = dropout.p; }

  void operator()(const Relu&) const {}

  void operator()(const Flatten&) const {}

  void operator()(const Concat&) const {}

  void operator()(const Add&) const {}

  void operator()(const Profiled& profiled) const {
    layer["description"] = profiled.description;
    layer["output_elements"] = profiled.output_elements;
    layer["parameter_elements"] = profiled.parameter_elements;
  }

  void operator()(const TorchScript& script) const {
    layer["code"] = lines_of(script.code);
    layer["input_shapes"] = script.input_shapes;
    layer["output_shape"] = script.output_shape;
    layer["parameters"] = slots_json(script.parameters);
    layer["buffers"] = slots_json(script.buffers);
    nlohmann::json norms = nlohmann::json::array();
    for (const RunningStatistics& norm : script.batch_norms)
      norms.push_back(
          {{"mean", norm.mean}, {"variance", norm.variance}, {"momentum", norm.momentum}});
    layer["batch_norms"] = std::move(norms);
    layer["flops_per_sample"] = script.flops_per_sample;
    layer["saved_bytes_per_sample"] = script.saved_bytes_per_sample;
    layer["kept_inputs"] = script.kept_inputs;
    layer["keeps_output"] = script.keeps_output;
    layer["is_view"] = script.is_view;
  }
};

std::string name_at(const JsonPlace& place) {
  std::string name = place.string();
  if (name.empty()) place.fail_expected("a name");
  return name;
}

ModelInput read_input(const JsonPlace& place) {
  JsonObject object = place.object();
  ModelInput input{.name = name_at(object.at("name")), .shape = {}};
  const JsonPlace shape = object.at("shape");
  const std::vector<JsonPlace> extents = shape.array();
  for (const JsonPlace& size : extents)
    input.shape.push_back(extents.size() == 1 ? size.integer(1, kMostElements) : extent(size));
  if (input.shape.empty()) shape.fail_expected("at least one extent");
  object.finish();
  return input;
}

/// Of a model whose layers are all of the kinds above.
void check_input_shapes(const ModelGraph& model, const JsonPlace& inputs) {
  if (is_imported(model)) return;
  const std::vector<JsonPlace> places = inputs.array();
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::size_t rank = model.inputs[i].shape.size();
    if (rank != 1 && rank != 3)
      places[i].object().at("shape").fail_expected(
          "an image's [channels, height, width] or [features]");
  }
}

Layer read_layer(const JsonPlace& place) {
  JsonObject object = place.object();
  Layer layer{.id = name_at(object.at("id")),
              .operation = read_operation(object),
              .inputs = object.at("inputs").strings(),
              .output_shape = {}};
  object.finish();
  return layer;
}

}  // namespace

ModelGraph model_from_json(const JsonPlace& place) {
  JsonObject object = open_format(place, "model");
  ModelGraph model;
  model.name = name_at(object.at("name"));
  const JsonPlace inputs = object.at("inputs");
  for (const JsonPlace& input : inputs.array(1)) model.inputs.push_back(read_input(input));
  if (const std::optional<JsonPlace> group = object.find("batch_norm_group_samples"))
    model.batch_norm_group_samples = extent(*group);
  if (const std::optional<JsonPlace> family = object.find("family")) {
    if (object.find("layers"))
      place.fail("expected \"layers\", or a \"family\" that gives them, found both");
    object.finish();
    check_input_shapes(model, inputs);
    expand_family(family_from_json(*family), model, *family);
    check_model(model, place);
    return model;
  }
  const JsonPlace layers = object.at("layers");
  // Beyond what any model has, and few enough to plan.
  constexpr std::size_t kMostLayers = 200'000;
  if (layers.value().size() > kMostLayers)
    layers.fail("expected at most " + std::to_string(kMostLayers) + " layers, found " +
                std::to_string(layers.value().size()));
  for (const JsonPlace& layer : layers.array(1)) model.layers.push_back(read_layer(layer));
  model.output = object.at("output").string();
  object.finish();
  check_input_shapes(model, inputs);
  check_model(model, place);
  return model;
}

ModelGraph read_model(const std::filesystem::path& file) {
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  return model_from_json(JsonPlace(document, name, ""));
}

nlohmann::json to_json(const ModelGraph& model) {
  nlohmann::json inputs = nlohmann::json::array();
  for (const ModelInput& input : model.inputs)
    inputs.push_back({{"name", input.name}, {"shape", input.shape}});

  nlohmann::json layers = nlohmann::json::array();
  for (const Layer& layer : model.layers) {
    nlohmann::json written = {
        {"id", layer.id}, {"kind", kind_name(layer.operation)}, {"inputs", layer.inputs}};
    std::visit(OperationFields{written}, layer.operation);
    layers.push_back(std::move(written));
  }

  return {
      {"format", "cadastre-model/1"}, {"name", model.name},
      {"inputs", std::move(inputs)},  {"layers", std::move(layers)},
      {"output", model.output},       {"batch_norm_group_samples", model.batch_norm_group_samples}};
}

}  // namespace cadastre
