#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "planner/model_family/model_family.h"
#include "planner/model_graph.h"

namespace cadastre {

/// An input of a family's network and how many of its pixels one of the reference grid is.
struct FamilyInput {
  std::string name;
  std::int64_t scale = 1;  ///< S
  std::int64_t width = 1;  ///< channels of its branch
};

/// Appends layers to a model, each reading those before it. Names are those of layers or inputs.
class FamilyLayers {
 public:
  explicit FamilyLayers(ModelGraph& model) : model_(&model) {}

  /// Returns `id`.
  std::string add(const std::string& id, Operation operation, std::vector<std::string> inputs);

  /// Joins along channels; one alone is what it is.
  std::string join(const std::string& id, const std::vector<std::string>& inputs);

  /// Convolution, batch norm, ReLU: ids `prefix`.conv, .norm, .relu.
  std::string convolution(const std::string& prefix, Conv2d shape, const std::string& input);

  /// A residual block of two 3 × 3 convolutions of `width` channels, which `input` has, too.
  std::string residual_block(const std::string& prefix, std::int64_t width, std::int64_t dilation,
                             const std::string& input);

 private:
  ModelGraph* model_;
};

/// The output's layer. `layers` is of a model without any.
std::string add_paper_layers(const ModelFamily& family, const std::vector<FamilyInput>& inputs,
                             FamilyLayers& layers);
std::string add_residual_layers(const ModelFamily& family, const std::vector<FamilyInput>& inputs,
                                FamilyLayers& layers);

}  // namespace cadastre
