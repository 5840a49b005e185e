#pragma once

#include <string>
#include <vector>

#include "planner/model_graph.h"

namespace cadastre {

class JsonPlace;

/// One input of a layer: the layer or model input that it comes from, and its shape.
struct NamedShape {
  std::string name;
  Shape shape;
};

/// The shape that `layer` gives for inputs of the given shapes, which are in the order of
/// `layer.inputs`. Throws InputError at `pointer` (the layer's, below `place`) when they do not fit
/// the operation, when the output would be empty, or when output or parameters exceed 2^40
/// elements.
[[nodiscard]] Shape layer_output_shape(const Layer& layer, const std::vector<NamedShape>& inputs,
                                       std::int64_t batch_norm_group_samples,
                                       const JsonPlace& place, const std::string& pointer);

/// `(3, 9, 9)`.
[[nodiscard]] std::string shape_text(const Shape& shape);

}  // namespace cadastre
