#include "executor/predict/needed_layers.h"

#include <variant>

namespace cadastre {

NeededLayers needed_layers(const ModelGraph& model) {
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  const auto output = static_cast<std::size_t>(layer_index(model, model.output));
  NeededLayers made{.is_needed = std::vector<bool>(model.layers.size(), false),
                    .rows = std::vector<std::vector<bool>>(model.layers.size())};
  made.is_needed[output] = true;
  for (std::size_t layer = model.layers.size(); layer-- > 0;) {
    if (!made.is_needed[layer]) continue;
    const Shape& shape = model.layers[layer].output_shape;
    if (layer == output && shape.size() == 3)
      made.rows[layer].assign(static_cast<std::size_t>(shape[1]), true);
    for (const Source& source : sources[layer]) {
      if (source.is_model_input) continue;
      const auto index = static_cast<std::size_t>(source.index);
      made.is_needed[index] = true;
      const Shape& from = model.layers[index].output_shape;
      if (from.size() != 3) continue;
      std::vector<bool>& rows = made.rows[index];
      rows.resize(static_cast<std::size_t>(from[1]), false);
      if (shape.size() != 3) {
        rows.assign(rows.size(), true);
        continue;
      }
      for (std::size_t row = 0; row < made.rows[layer].size(); ++row)
        if (made.rows[layer][row])
          for (const ReadRow& read :
               read_rows(model.layers[layer].operation, from[1], static_cast<std::int64_t>(row)))
            rows[static_cast<std::size_t>(read.row)] = true;
    }
  }
  return made;
}

LayerChains layer_chains(const ModelGraph& model, const NeededLayers& needed,
                         const std::vector<bool>& is_own) {
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  const std::vector<std::vector<int>> consumers = layer_consumers(model);
  const auto output = static_cast<std::size_t>(layer_index(model, model.output));
  LayerChains chains;
  std::vector<bool> is_taken(model.layers.size(), false);
  for (std::size_t first = 0; first < model.layers.size(); ++first) {
    const Operation& operation = model.layers[first].operation;
    const bool weighs =
        std::holds_alternative<Conv2d>(operation) || std::holds_alternative<Linear>(operation);
    if (!weighs || !needed.is_needed[first]) continue;

    std::vector<std::size_t> chain{first};
    bool has_norm = false;
    bool has_sum = false;
    while (chain.back() != output && consumers[chain.back()].size() == 1) {
      const auto next = static_cast<std::size_t>(consumers[chain.back()].front());
      const Operation& then = model.layers[next].operation;
      const bool is_relu = std::holds_alternative<Relu>(then);
      if (is_taken[next] || is_own[first] != is_own[next]) break;
      if (std::holds_alternative<BatchNorm2d>(then) && !has_norm && !has_sum)
        has_norm = true;
      else if (std::holds_alternative<Add>(then) && !has_sum && sources[next].size() == 2 &&
               !(sources[next][0] == sources[next][1]))
        has_sum = true;
      else if (!is_relu)
        break;
      is_taken[next] = true;
      chain.push_back(next);
      if (is_relu) break;
    }
    chains[chain.back()] = chain;
  }
  return chains;
}

std::vector<ReadRow> read_rows(const Operation& operation, std::int64_t size, std::int64_t row) {
  std::vector<ReadRow> rows;
  const auto sliding = [&](std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                           std::int64_t dilation) {
    for (std::int64_t tap = 0; tap < kernel; ++tap) {
      const std::int64_t read = row * stride - padding + tap * dilation;
      if (read >= 0 && read < size)
        rows.push_back({.tap = static_cast<int>(tap), .row = static_cast<int>(read)});
    }
  };
  if (const auto* conv = std::get_if<Conv2d>(&operation)) {
    sliding(conv->kernel_size, conv->stride, conv->padding, conv->dilation);
  } else if (const auto* pool = std::get_if<MaxPool2d>(&operation)) {
    sliding(pool->kernel_size, pool->stride, pool->padding, 1);
  } else if (const auto* average = std::get_if<AdaptiveAvgPool2d>(&operation)) {
    const std::int64_t begin = row * size / average->output_size;
    const std::int64_t end = ((row + 1) * size + average->output_size - 1) / average->output_size;
    for (std::int64_t read = begin; read < end; ++read)
      rows.push_back({.tap = static_cast<int>(read - begin), .row = static_cast<int>(read)});
  } else if (const auto* crop = std::get_if<CenterCrop2d>(&operation)) {
    rows.push_back({.row = static_cast<int>(row + center_crop_begin(size, crop->size))});
  } else {
    rows.push_back({.row = static_cast<int>(row)});
  }
  return rows;
}

}  // namespace cadastre
