#include <algorithm>

#include "executor/scene_data.h"

namespace cadastre {

namespace {

/// Copies rows and columns of a plane, mirrored at its borders; returns the end of what it wrote.
template <typename Value>
Value* copy_mirrored(const Value* plane, std::int64_t num_rows, std::int64_t num_columns,
                     std::int64_t first_row, std::int64_t first_column, std::int64_t side,
                     Value* patch) {
  const bool is_inside = first_row >= 0 && first_row + side <= num_rows && first_column >= 0 &&
                         first_column + side <= num_columns;
  if (is_inside) {
    const Value* line = plane + first_row * num_columns + first_column;
    for (std::int64_t y = 0; y < side; ++y, line += num_columns)
      patch = std::copy_n(line, side, patch);
    return patch;
  }
  for (std::int64_t y = 0; y < side; ++y) {
    const Value* line = plane + mirrored(first_row + y, num_rows) * num_columns;
    for (std::int64_t x = 0; x < side; ++x)
      *patch++ = line[mirrored(first_column + x, num_columns)];
  }
  return patch;
}

}  // namespace

void copy_patch(const ModalityData& modality, const Grid& grid, std::int64_t row,
                std::int64_t column, std::int64_t reference_pixels, float* patch) {
  const std::int64_t scale = modality.scale;
  const std::int64_t num_rows = grid.num_rows * scale;
  const std::int64_t num_columns = grid.num_columns * scale;
  const float* const values = modality.values.data();
  for (std::int64_t band = 0; band < modality.num_bands; ++band)
    patch = copy_mirrored(values + band * num_rows * num_columns, num_rows, num_columns,
                          (row - reference_pixels / 2) * scale,
                          (column - reference_pixels / 2) * scale, reference_pixels * scale, patch);
}

void copy_plane_patch(const std::vector<std::uint8_t>& plane, const Grid& grid, std::int64_t row,
                      std::int64_t column, std::int64_t reference_pixels, std::uint8_t* patch) {
  copy_mirrored(plane.data(), grid.num_rows, grid.num_columns, row - reference_pixels / 2,
                column - reference_pixels / 2, reference_pixels, patch);
}

}  // namespace cadastre
