#include "planner/model_family/family_layers.h"

namespace cadastre {

namespace {

/// What the classifier sees, layer by layer: maps on the reference grid.
struct Trunk {
  std::vector<std::string> local;    ///< of which the middle pixel counts
  std::vector<std::string> context;  ///< of which the patch's mean counts as well
};

class ResidualNetwork {
 public:
  ResidualNetwork(const ModelFamily& family, FamilyLayers& layers)
      : family_(family), layers_(layers) {}

  std::string add(const std::vector<FamilyInput>& inputs) {
    std::vector<std::string> embedded;
    for (const FamilyInput& input : inputs) embedded.push_back(embed(input));
    Trunk trunk{.local = embedded, .context = {}};
    switch (family_.fusion) {
      case Fusion::kEarly: {
        const std::string fused = narrow("fusion.embed", layers_.join("fusion.join", embedded));
        const std::string branch = blocks("fusion.branch", family_.fused_width, family_.depth,
                                          fused);
        trunk.local.push_back(branch);
        trunk.context.push_back(context("fusion.context", branch));
        break;
      }
      case Fusion::kMiddle: {
        std::vector<std::string> branches;
        for (std::size_t i = 0; i < inputs.size(); ++i)
          branches.push_back(
              blocks(inputs[i].name + ".branch", inputs[i].width, family_.depth, embedded[i]));
        trunk.local.insert(trunk.local.end(), branches.begin(), branches.end());
        const std::string fused = narrow("fusion.embed", layers_.join("fusion.join", branches));
        trunk.context.push_back(context("fusion.context", fused));
        break;
      }
      case Fusion::kLate:
        for (std::size_t i = 0; i < inputs.size(); ++i) {
          const std::string& name = inputs[i].name;
          const std::string branch =
              blocks(name + ".branch", inputs[i].width, family_.depth, embedded[i]);
          trunk.local.push_back(branch);
          trunk.context.push_back(context(name + ".context", narrow(name + ".widen", branch)));
        }
        break;
    }
    return family_.target == ModelTarget::kDense ? dense_scores(trunk) : pixel_scores(trunk);
  }

 private:
  /// Each pixel's bands, or all the fine pixels in it, as `width` channels.
  std::string embed(const FamilyInput& input) {
    return layers_.convolution(
        input.name + ".embed",
        {.out_channels = input.width, .kernel_size = input.scale, .stride = input.scale},
        input.name);
  }

  std::string narrow(const std::string& prefix, const std::string& input) {
    return layers_.convolution(prefix, {.out_channels = family_.fused_width}, input);
  }

  std::string blocks(const std::string& prefix, std::int64_t width, std::int64_t depth,
                     std::string last) {
    for (std::int64_t block = 1; block <= depth; ++block)
      last = layers_.residual_block(prefix + std::to_string(block), width, 1, last);
    return last;
  }

  /// Blocks over maps of `fused_width` channels that see further: halved, or dilated.
  std::string context(const std::string& prefix, std::string last) {
    const bool dense = family_.target == ModelTarget::kDense;
    if (!dense && family_.patch > 1)
      last = layers_.add(prefix + ".pool", MaxPool2d{.kernel_size = 2, .stride = 2}, {last});
    std::int64_t dilation = 1;
    for (std::int64_t block = 1; block <= family_.fused_depth; ++block) {
      last = layers_.residual_block(prefix + std::to_string(block), family_.fused_width,
                                    dense ? dilation : 1, last);
      if (block < kMostDoublings) dilation *= 2;
    }
    return last;
  }

  std::string pixel_scores(const Trunk& trunk) {
    std::vector<std::string> parts;
    for (const std::string& maps : trunk.local)
      parts.push_back(layers_.add(maps + ".center", CenterCrop2d{.size = 1}, {maps}));
    for (const std::string& maps : trunk.context) {
      parts.push_back(layers_.add(maps + ".center", CenterCrop2d{.size = 1}, {maps}));
      parts.push_back(layers_.add(maps + ".mean", AdaptiveAvgPool2d{.output_size = 1}, {maps}));
    }
    layers_.add("classifier.join", Concat{}, parts);
    std::string last = layers_.add("classifier.flatten", Flatten{}, {"classifier.join"});
    if (family_.dropout > 0)
      last = layers_.add("classifier.dropout", Dropout{.p = family_.dropout}, {last});
    return layers_.add("classifier.scores", Linear{.out_features = family_.num_classes}, {last});
  }

  std::string dense_scores(const Trunk& trunk) {
    std::vector<std::string> parts = trunk.local;
    parts.insert(parts.end(), trunk.context.begin(), trunk.context.end());
    std::string last = layers_.add("classifier.join", Concat{}, parts);
    if (family_.dropout > 0)
      last = layers_.add("classifier.dropout", Dropout{.p = family_.dropout}, {last});
    return layers_.add("classifier.scores", Conv2d{.out_channels = family_.num_classes}, {last});
  }

  static constexpr std::int64_t kMostDoublings = 5;  // a dilation of 16 sees beyond any patch

  const ModelFamily& family_;
  FamilyLayers& layers_;
};

}  // namespace

std::string add_residual_layers(const ModelFamily& family, const std::vector<FamilyInput>& inputs,
                                FamilyLayers& layers) {
  return ResidualNetwork(family, layers).add(inputs);
}

}  // namespace cadastre
