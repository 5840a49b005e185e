#include <algorithm>

#include "executor/scene_data.h"

namespace cadastre {

namespace {

/// Mirrors a position into [0, size), the border pixel repeated (… 1 0 | 0 1 2 …): the mirror lies
/// on the border line itself, so that modalities of different scales stay on the same ground.
std::int64_t mirrored(std::int64_t position, std::int64_t size) {
  const std::int64_t period = 2 * size;
  position = ((position % period) + period) % period;
  return position < size ? position : period - 1 - position;
}

}  // namespace

void copy_patch(const ModalityData& modality, const Grid& grid, std::int64_t row,
                std::int64_t column, std::int64_t reference_pixels, float* patch) {
  const std::int64_t scale = modality.scale;
  const std::int64_t num_rows = grid.num_rows * scale;
  const std::int64_t num_columns = grid.num_columns * scale;
  const std::int64_t side = reference_pixels * scale;
  const std::int64_t first_row = (row - reference_pixels / 2) * scale;
  const std::int64_t first_column = (column - reference_pixels / 2) * scale;
  const bool inside_columns = first_column >= 0 && first_column + side <= num_columns;

  for (std::int64_t band = 0; band < modality.num_bands; ++band)
    for (std::int64_t y = 0; y < side; ++y) {
      const float* line = modality.values.data() +
                          (band * num_rows + mirrored(first_row + y, num_rows)) * num_columns;
      if (inside_columns) {
        patch = std::copy_n(line + first_column, side, patch);
      } else {
        for (std::int64_t x = 0; x < side; ++x)
          *patch++ = line[mirrored(first_column + x, num_columns)];
      }
    }
}

}  // namespace cadastre
