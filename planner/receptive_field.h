#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "planner/model_graph.h"

namespace cadastre {

/// How many reference pixels around a pixel a dense model's score of it depends on, given how many
/// pixels of each input are one reference pixel (S). None where the score depends on the whole
/// patch (global pooling, flattening), so that the model fits no other size than its own.
[[nodiscard]] std::optional<std::int64_t> receptive_radius(const ModelGraph& model,
                                                           const std::vector<std::int64_t>& scales);

/// The same dense model for patches of `reference_pixels` a side, shapes derived anew. Throws
/// InputError when it does not fit that size.
[[nodiscard]] ModelGraph resized(const ModelGraph& model, const std::vector<std::int64_t>& scales,
                                 std::int64_t reference_pixels);

}  // namespace cadastre
