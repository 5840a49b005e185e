#include "executor/predict/tile_grid.h"

#include <algorithm>

#include "executor/predict/tile_blender.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

/// How many tiles' cores hold each pixel of the grid, and the sum of their blending weights there.
struct Cover {
  std::vector<int> num_cores;
  std::vector<double> weights;
};

Cover cover_of(const TileGrid& grid) {
  const auto num_pixels = static_cast<std::size_t>(grid.num_rows * grid.num_columns);
  Cover cover{.num_cores = std::vector<int>(num_pixels),
              .weights = std::vector<double>(num_pixels)};
  for (std::int64_t index = 0; index < grid.num_tiles(); ++index) {
    const Tile tile = tile_of(grid, index);
    const Window& core = tile.core;
    const Window& extent = tile.extent;
    const auto weights = [&](std::int64_t begin, std::int64_t size, std::int64_t core_begin,
                             std::int64_t core_size) {
      return blend_weights(begin, begin + size, core_begin, core_begin + core_size, grid.ramp);
    };
    const std::vector<float> down = weights(extent.row, extent.num_rows, core.row, core.num_rows);
    const std::vector<float> across =
        weights(extent.column, extent.num_columns, core.column, core.num_columns);
    for (std::int64_t y = 0; y < extent.num_rows; ++y)
      for (std::int64_t x = 0; x < extent.num_columns; ++x) {
        const std::int64_t row = extent.row + y;
        const std::int64_t column = extent.column + x;
        REQUIRE((row >= 0 && row < grid.num_rows));
        REQUIRE((column >= 0 && column < grid.num_columns));
        const auto pixel = static_cast<std::size_t>(row * grid.num_columns + column);
        cover.weights[pixel] += static_cast<double>(down[static_cast<std::size_t>(y)] *
                                                    across[static_cast<std::size_t>(x)]);
        if (row >= core.row && row < core.row + core.num_rows && column >= core.column &&
            column < core.column + core.num_columns)
          ++cover.num_cores[pixel];
      }
  }
  return cover;
}

TEST_CASE("every pixel is one tile's own, and the weights of all that score it sum to one",
          "[executor]") {
  // Sizes that are a multiple of the core, one more, one less, and smaller than a core.
  const std::int64_t rows = GENERATE(1, 5, 16, 17, 31);
  const std::int64_t ramp = GENERATE(0, 2, 8);
  const TileGrid grid{.num_rows = rows, .num_columns = 25, .core = 8, .ramp = ramp};
  const Cover cover = cover_of(grid);
  CHECK(std::all_of(cover.num_cores.begin(), cover.num_cores.end(), [](int n) { return n == 1; }));
  for (const double sum : cover.weights) {
    if (std::abs(sum - 1) > 1e-6) CHECK(sum == Approx(1).margin(1e-6));
  }
}

TEST_CASE("a tile reads what its scores see, all tiles the same where the network wants it",
          "[executor]") {
  TileGrid grid{.num_rows = 20, .num_columns = 9, .core = 8, .before = 3, .after = 2};
  // The last row of tiles: rows 16 to 19.
  CHECK(tile_of(grid, 4).window ==
        Window{.row = 16 - 3, .column = -3, .num_rows = 3 + 4 + 2, .num_columns = 3 + 8 + 2});
  grid.ramp = 4;
  grid.has_equal_windows = true;
  // Half a ramp, then what is read for it, on either side of a whole core.
  CHECK(tile_of(grid, 4).window ==
        Window{.row = 16 - 2 - 3, .column = -2 - 3, .num_rows = 17, .num_columns = 17});
  CHECK(tile_of(grid, 4).extent == Window{.row = 14, .column = 0, .num_rows = 6, .num_columns = 9});
  for (std::int64_t index = 0; index < grid.num_tiles(); ++index) {
    const Tile tile = tile_of(grid, index);
    CHECK(tile.window.num_rows == 17);
    CHECK(tile.extent.row >= tile.window.row);
    CHECK(tile.extent.row + tile.extent.num_rows <= tile.window.row + tile.window.num_rows);
  }
}

TEST_CASE("tiles that agree where they overlap make the map that they were cut from, in any order",
          "[executor]") {
  const TileGrid grid{.num_rows = 21, .num_columns = 19, .core = 8, .ramp = 4};
  const auto truth = [](std::int64_t row, std::int64_t column) {
    return static_cast<float>(row * 31 + column) / 1000;
  };
  std::vector<std::int64_t> order = {5, 0, 8, 1, 2, 7, 4, 3, 6};
  REQUIRE(grid.num_tiles() == static_cast<std::int64_t>(order.size()));
  std::vector<float> map;
  TileBlender blender(grid, 1, 0, [&](const MapRows& rows) {
    CHECK(rows.first_row * grid.num_columns == static_cast<std::int64_t>(map.size()));
    map.insert(map.end(), rows.probabilities.begin(), rows.probabilities.end());
  });
  for (const std::int64_t index : order) {
    const Window extent = tile_of(grid, index).extent;
    TileScores scores;
    scores.tile = index;
    for (std::int64_t y = 0; y < extent.num_rows; ++y)
      for (std::int64_t x = 0; x < extent.num_columns; ++x)
        scores.probabilities.push_back(truth(extent.row + y, extent.column + x));
    scores.has_data.assign(scores.probabilities.size(), 1);
    blender.add(scores);
  }
  REQUIRE(map.size() == 21 * 19);
  float worst = 0;
  for (std::int64_t row = 0; row < 21; ++row)
    for (std::int64_t column = 0; column < 19; ++column)
      worst = std::max(
          worst, std::abs(map[static_cast<std::size_t>(row * 19 + column)] - truth(row, column)));
  CHECK(worst < 1e-6F);
}

}  // namespace
}  // namespace cadastre
