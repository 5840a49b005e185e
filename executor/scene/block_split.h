#pragma once

#include <cstdint>
#include <vector>

#include "executor/scene/grid.h"
#include "executor/scene_data.h"
#include "planner/scene.h"

namespace cadastre {

// Planes are (R, C), a byte per reference pixel. What these choose depends on seed, grid and labels
// alone. A class never loses its last training pixel.

/// The parts before any division: all labelled pixels train.
[[nodiscard]] std::vector<std::uint8_t> labelled_pixels(
    const std::vector<std::uint8_t>& class_plane);

/// Gives whole blocks of the training pixels in `parts` to `part`, so that it gets `fraction` of
/// every class as near as can be, and takes `split.buffer_pixels` on each side of the borders
/// between them out of both.
///
/// Blocks are visited in an order drawn by the seed and change sides wherever that lowers the sum
/// over classes of ((share of the class) - fraction)², until none does: a local optimum.
void part_off_blocks(const Split& split, const Grid& grid,
                     const std::vector<std::uint8_t>& class_plane, std::size_t num_classes,
                     Part part, double fraction, std::vector<std::uint8_t>& parts);

/// Gives `fraction` of each class's training pixels, drawn one by one, to `part`.
void part_off_pixels(const Split& split, const std::vector<std::uint8_t>& class_plane,
                     std::size_t num_classes, Part part, double fraction,
                     std::vector<std::uint8_t>& parts);

}  // namespace cadastre
