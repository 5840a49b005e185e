#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "executor/predict/patch_axis.h"
#include "planner/model_graph.h"

namespace cadastre {

/// What the scores of a patch depend on.
struct NeededLayers {
  std::vector<bool> is_needed;          ///< each layer
  std::vector<std::vector<bool>> rows;  ///< of each layer's map, columns alike; empty of features
};

[[nodiscard]] NeededLayers needed_layers(const ModelGraph& model);

/// Convolutions and linear layers, and what is done to their sums while these are at hand: batch
/// norm, the sum with another value, rectification. By the last layer of each chain.
using LayerChains = std::map<std::size_t, std::vector<std::size_t>>;

/// `is_own`: each layer, whether the stage has it. A chain is all of the stage or none of it.
[[nodiscard]] LayerChains layer_chains(const ModelGraph& model, const NeededLayers& needed,
                                       const std::vector<bool>& is_own);

/// Rows of its input, which has `size`, that row `row` of an operation's output depends on.
[[nodiscard]] std::vector<ReadRow> read_rows(const Operation& operation, std::int64_t size,
                                             std::int64_t row);

}  // namespace cadastre
