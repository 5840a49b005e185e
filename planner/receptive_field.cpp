#include "planner/receptive_field.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <variant>

#include "planner/json_reader.h"

namespace cadastre {

namespace {

template <class Convolution>
std::int64_t dilation_of(const Convolution& convolution) {
  if constexpr (requires { convolution.dilation; }) return convolution.dilation;
  return 1;
}

/// Of a layer: reference pixels between its neighbouring values, and how far a value sees.
struct Reach {
  double step = 1;
  double radius = 0;
};

/// How many values wide an operation looks, and how far it moves: none where it sees everything.
struct Look {
  std::int64_t width = 1;
  std::int64_t stride = 1;
};

struct LookOf {
  std::optional<Look> operator()(const Conv2d& conv) const {
    return Look{.width = dilation_of(conv) * (conv.kernel_size - 1) + 1, .stride = conv.stride};
  }

  std::optional<Look> operator()(const MaxPool2d& pool) const {
    return Look{.width = pool.kernel_size, .stride = pool.stride};
  }

  std::optional<Look> operator()(const AdaptiveAvgPool2d&) const { return std::nullopt; }

  std::optional<Look> operator()(const Flatten&) const { return std::nullopt; }

  std::optional<Look> operator()(const Linear&) const { return std::nullopt; }

  std::optional<Look> operator()(const Profiled&) const { return std::nullopt; }

  std::optional<Look> operator()(const TorchScript&) const { return std::nullopt; }

  template <class PixelWise>
  std::optional<Look> operator()(const PixelWise&) const {
    return Look{};
  }
};

}  // namespace

std::optional<std::int64_t> receptive_radius(const ModelGraph& model,
                                             const std::vector<std::int64_t>& scales) {
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  std::vector<Reach> reaches(model.layers.size());
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const std::optional<Look> look = std::visit(LookOf{}, model.layers[i].operation);
    if (!look) return std::nullopt;
    Reach& reach = reaches[i];
    reach.step = 0;
    for (const Source& source : sources[i]) {
      Reach from;
      if (source.is_model_input)
        from.step = 1.0 / static_cast<double>(scales.at(static_cast<std::size_t>(source.index)));
      else
        from = reaches[static_cast<std::size_t>(source.index)];
      reach.step = std::max(reach.step, from.step);
      // A window of even width is off the middle by half a step: counted on both sides.
      reach.radius = std::max(
          reach.radius, from.radius + from.step * std::ceil(static_cast<double>(look->width - 1) / 2));
    }
    reach.step *= static_cast<double>(look->stride);
  }
  const auto output = static_cast<std::size_t>(layer_index(model, model.output));
  return static_cast<std::int64_t>(std::ceil(reaches[output].radius));
}

ModelGraph resized(const ModelGraph& model, const std::vector<std::int64_t>& scales,
                   std::int64_t reference_pixels) {
  ModelGraph other = model;
  for (std::size_t i = 0; i < other.inputs.size(); ++i) {
    other.inputs[i].shape[1] = reference_pixels * scales.at(i);
    other.inputs[i].shape[2] = reference_pixels * scales.at(i);
  }
  const std::string file = model.name;
  const nlohmann::json document = to_json(other);
  return model_from_json(JsonPlace(document, file, ""));
}

}  // namespace cadastre
