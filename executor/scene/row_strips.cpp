#include "executor/scene/row_strips.h"

#include <algorithm>

namespace cadastre {

std::vector<Window> row_strips(const Grid& grid, std::int64_t values_per_pixel) {
  constexpr std::int64_t kMostValues = (32 << 20) / 4;
  constexpr std::int64_t kBlockRows = 128;  // whole blocks of most files and of the warper
  std::int64_t height = std::max<std::int64_t>(
      1, kMostValues / std::max<std::int64_t>(1, grid.num_columns * values_per_pixel));
  if (height > kBlockRows) height -= height % kBlockRows;
  std::vector<Window> strips;
  for (std::int64_t row = 0; row < grid.num_rows; row += height)
    strips.push_back({.row = row,
                      .column = 0,
                      .num_rows = std::min(height, grid.num_rows - row),
                      .num_columns = grid.num_columns});
  return strips;
}

}  // namespace cadastre
