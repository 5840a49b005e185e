#include "planner/model_family/model_family.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "planner/json_reader.h"
#include "planner/model_family/family_layers.h"
#include "planner/refusal.h"

namespace cadastre {

namespace {

using Names = std::vector<std::string>;

// Beyond what any machine computes, and small enough that sizes can be counted.
constexpr std::int64_t kMostChannels = 1 << 16;
constexpr std::int64_t kMostBlocks = 1000;
constexpr std::int64_t kMostPatch = 1 << 16;

const Names& family_names() {
  static const Names names = {"paper", "residual"};
  return names;
}

const Names& fusion_names() {
  static const Names names = {"early", "middle", "late"};
  return names;
}

const Names& target_names() {
  static const Names names = {"pixel", "dense"};
  return names;
}

template <typename Enum>
void read_name(JsonObject& object, const char* key, const Names& names, Enum& value) {
  if (const auto place = object.find(key)) value = static_cast<Enum>(place->one_of(names));
}

void read_count(JsonObject& object, const char* key, std::int64_t least, std::int64_t most,
                std::int64_t& value) {
  if (const auto place = object.find(key)) value = place->integer(least, most);
}

std::int64_t scale_of(const ModelFamily& family, const ModelInput& input, const JsonPlace& place) {
  const bool square = input.shape.size() == 3 && input.shape[1] == input.shape[2];
  if (!square || input.shape[1] % family.patch != 0)
    refuse(place, "/patch",
           "expected the side of every input in pixels of the reference grid, of which " +
               in_quotes(input.name) + " has a whole number of parts, found " +
               std::to_string(family.patch));
  return input.shape[1] / family.patch;
}

std::vector<FamilyInput> family_inputs(const ModelFamily& family, const ModelGraph& model,
                                       const JsonPlace& place) {
  std::vector<FamilyInput> inputs;
  Names names;
  for (const ModelInput& input : model.inputs) {
    const auto width = family.widths.find(input.name);
    inputs.push_back({.name = input.name,
                      .scale = scale_of(family, input, place),
                      .width = width == family.widths.end() ? family.width : width->second});
    names.push_back(input.name);
  }
  for (const auto& [name, width] : family.widths)
    if (std::find(names.begin(), names.end(), name) == names.end())
      refuse(place, "/widths/" + name,
             "expected an input of the model, found none of that name" + did_you_mean(name, names));
  return inputs;
}

}  // namespace

void expand_family(const ModelFamily& family, ModelGraph& model, const JsonPlace& place) {
  const std::vector<FamilyInput> inputs = family_inputs(family, model, place);
  model.layers.clear();
  FamilyLayers layers(model);
  if (family.name == ModelFamily::Name::kPaper) {
    if (family.target == ModelTarget::kDense)
      refuse(place, "/target",
             "expected \"pixel\" for the family \"paper\", which has fully connected layers, found "
             "\"dense\"; the family \"residual\" has dense members");
    model.output = add_paper_layers(family, inputs, layers);
  } else {
    model.output = add_residual_layers(family, inputs, layers);
  }
}

ModelFamily family_from_json(const JsonPlace& place) {
  JsonObject object = place.object();
  ModelFamily family;
  family.name = static_cast<ModelFamily::Name>(object.at("name").one_of(family_names()));
  family.num_classes = object.at("num_classes").integer(2, kMostChannels);
  family.patch = object.at("patch").integer(1, kMostPatch);
  read_name(object, "fusion", fusion_names(), family.fusion);
  read_name(object, "target", target_names(), family.target);
  read_count(object, "width", 1, kMostChannels, family.width);
  read_count(object, "fused_width", 1, kMostChannels, family.fused_width);
  read_count(object, "depth", 0, kMostBlocks, family.depth);
  read_count(object, "fused_depth", 0, kMostBlocks, family.fused_depth);
  if (const auto dropout = object.find("dropout")) {
    constexpr double kMostDropout = 0.99;
    family.dropout = dropout->number(0, kMostDropout);
  }
  if (const auto widths = object.find("widths")) {
    JsonObject by_input = widths->object();
    for (const auto& [name, width] : by_input.members())
      family.widths[name] = width.integer(1, kMostChannels);
  }
  object.finish();
  return family;
}

nlohmann::json to_json(const ModelFamily& family) {
  nlohmann::json document = {
      {"name", family_names()[static_cast<std::size_t>(family.name)]},
      {"fusion", fusion_names()[static_cast<std::size_t>(family.fusion)]},
      {"target", target_names()[static_cast<std::size_t>(family.target)]},
      {"num_classes", family.num_classes},
      {"patch", family.patch},
      {"width", family.width},
      {"fused_width", family.fused_width},
      {"depth", family.depth},
      {"fused_depth", family.fused_depth},
      {"dropout", family.dropout}};
  if (!family.widths.empty()) document["widths"] = family.widths;
  return document;
}

}  // namespace cadastre
