#include <algorithm>

#include "planner/model_family/family_layers.h"

namespace cadastre {

namespace {

constexpr std::int64_t kAverageSide = 3;

/// Convolutions with pooling between them, then averages of 3 × 3 parts: the id of these.
std::string add_branch(const std::string& name, const std::string& input, std::int64_t side,
                       std::int64_t width, std::int64_t depth, FamilyLayers& layers) {
  std::string last = input;
  for (std::int64_t block = 1; block <= depth + 1; ++block) {
    const std::string number = std::to_string(block);
    // Channels double once the patch is halved.
    last = layers.convolution(
        name + ".block" + number,
        {.out_channels = block == 1 ? width : 2 * width, .kernel_size = 3, .padding = 1}, last);
    if (side / 2 < kAverageSide) continue;
    last = layers.add(name + ".pool" + number, MaxPool2d{.kernel_size = 2, .stride = 2}, {last});
    side /= 2;
  }
  return layers.add(name + ".average",
                    AdaptiveAvgPool2d{.output_size = std::min(side, kAverageSide)}, {last});
}

std::string add_features(const std::string& name, const std::string& maps, std::int64_t features,
                         FamilyLayers& layers) {
  layers.add(name + ".flatten", Flatten{}, {maps});
  layers.add(name + ".features", Linear{.out_features = features}, {name + ".flatten"});
  return layers.add(name + ".features_relu", Relu{}, {name + ".features"});
}

/// The input on the reference grid.
std::string add_stem(const FamilyInput& input, FamilyLayers& layers) {
  if (input.scale == 1) return input.name;
  return layers.convolution(
      input.name + ".stem",
      {.out_channels = input.width, .kernel_size = input.scale, .stride = input.scale}, input.name);
}

std::string add_fused(const ModelFamily& family, const std::vector<FamilyInput>& inputs,
                      FamilyLayers& layers) {
  std::vector<std::string> parts;
  switch (family.fusion) {
    case Fusion::kEarly:
      for (const FamilyInput& input : inputs) parts.push_back(add_stem(input, layers));
      return add_features("fusion",
                          add_branch("fusion", layers.join("fusion.join", parts), family.patch,
                                     family.fused_width, family.depth, layers),
                          2 * family.fused_width, layers);
    case Fusion::kMiddle:
      for (const FamilyInput& input : inputs)
        parts.push_back(add_branch(input.name, input.name, family.patch * input.scale, input.width,
                                   family.depth, layers));
      return add_features("fusion", layers.join("fusion.join", parts),
                          static_cast<std::int64_t>(inputs.size()) * family.fused_width, layers);
    case Fusion::kLate:
      for (const FamilyInput& input : inputs)
        parts.push_back(add_features(
            input.name,
            add_branch(input.name, input.name, family.patch * input.scale, input.width,
                       family.depth, layers),
            family.fused_width, layers));
      return layers.join("fusion.join", parts);
  }
  return {};
}

}  // namespace

std::string add_paper_layers(const ModelFamily& family, const std::vector<FamilyInput>& inputs,
                             FamilyLayers& layers) {
  const std::string fused = add_fused(family, inputs, layers);
  layers.add("classifier.linear1", Linear{.out_features = 2 * family.fused_width}, {fused});
  std::string last = layers.add("classifier.relu", Relu{}, {"classifier.linear1"});
  if (family.dropout > 0)
    last = layers.add("classifier.dropout", Dropout{.p = family.dropout}, {last});
  return layers.add("classifier.linear2", Linear{.out_features = family.num_classes}, {last});
}

}  // namespace cadastre
