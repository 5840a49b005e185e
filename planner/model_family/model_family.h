#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "planner/model_graph.h"

namespace cadastre {

class JsonPlace;

/// Where the modalities of a network meet.
enum class Fusion {
  kEarly,   ///< as images, before anything else is made of them
  kMiddle,  ///< as feature maps, each of a branch of its own
  kLate,    ///< as features of the whole patch, before the classifier
};

enum class ModelTarget {
  kPixel,  ///< the class of the pixel in the middle of the patch
  kDense,  ///< the class of every pixel of the patch
};

/// Networks of one kind for any modalities and classes: what a `cadastre-model/1` document holds
/// under "family" in place of layers.
///
/// `paper`: the kind of the study behind cadastre (Aspri et al. 2020): per modality convolutions
/// and pooling, then fully connected layers. Pixels only.
///
/// `residual`: per modality a spectral embedding (1 × 1 convolutions, at a modality of S × S pixels
/// per reference pixel S × S with stride S) and residual blocks of 3 × 3 convolutions (He et al.
/// 2016) around it, blocks over the joined maps, and a classifier on what the middle pixel itself,
/// its neighbourhood and the whole patch give. Dense, the blocks are dilated in place of pooling,
/// and the classifier is of 1 × 1 convolutions.
struct ModelFamily {
  enum class Name { kPaper, kResidual };

  Name name = Name::kResidual;
  Fusion fusion = Fusion::kMiddle;
  ModelTarget target = ModelTarget::kPixel;
  std::int64_t num_classes = 2;
  std::int64_t patch = 9;         ///< side of the inputs in pixels of the reference grid
  std::int64_t width = 32;        ///< channels of a modality's branch
  std::int64_t fused_width = 64;  ///< channels, or features, of what is joined
  std::int64_t depth = 1;         ///< blocks of a branch
  std::int64_t fused_depth = 1;   ///< blocks over what is joined; dense: with dilations 1, 2, 4, …
  double dropout = 0.3;           ///< before the class scores
  /// Channels of single branches, by modality, in place of `width`.
  std::map<std::string, std::int64_t> widths;
  bool operator==(const ModelFamily&) const = default;
};

/// Layers and output of a family's member for `inputs`, (bands, P·S, P·S) each with its own S; the
/// rest of the model stays as it is. `place` is the family's in its document: what does not fit the
/// inputs is refused there by InputError.
void expand_family(const ModelFamily& family, ModelGraph& model, const JsonPlace& place);

[[nodiscard]] ModelFamily family_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const ModelFamily& family);

}  // namespace cadastre
