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
  if (kind == "relu") return Relu{};
  if (kind == "flatten") return Flatten{};
  if (kind == "concat") return Concat{};
  return Add{};
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
  if (input.shape.size() != 1 && input.shape.size() != 3)
    shape.fail_expected("an image's [channels, height, width] or [features]");
  object.finish();
  return input;
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
  for (const JsonPlace& input : object.at("inputs").array(1))
    model.inputs.push_back(read_input(input));
  if (const std::optional<JsonPlace> group = object.find("batch_norm_group_samples"))
    model.batch_norm_group_samples = extent(*group);
  if (const std::optional<JsonPlace> family = object.find("family")) {
    if (object.find("layers"))
      place.fail("expected \"layers\", or a \"family\" that gives them, found both");
    object.finish();
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
