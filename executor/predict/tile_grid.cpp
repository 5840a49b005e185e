#include "executor/predict/tile_grid.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cadastre {

namespace {

struct Span {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

Window window_of(Span rows, Span columns) {
  return {.row = rows.begin,
          .column = columns.begin,
          .num_rows = rows.end - rows.begin,
          .num_columns = columns.end - columns.begin};
}

Span core_span(std::int64_t place, std::int64_t core, std::int64_t size) {
  return {.begin = place * core, .end = std::min((place + 1) * core, size)};
}

Span extent_span(Span core, std::int64_t ramp, std::int64_t size) {
  return {.begin = core.begin == 0 ? 0 : core.begin - ramp / 2,
          .end = std::min(core.end + (core.end == size ? 0 : ramp / 2), size)};
}

Span window_span(const TileGrid& grid, std::int64_t place, Span extent) {
  if (!grid.has_equal_windows)
    return {.begin = extent.begin - grid.before, .end = extent.end + grid.after};
  const std::int64_t begin = place * grid.core - grid.ramp / 2 - grid.before;
  return {.begin = begin, .end = begin + grid.before + grid.core + grid.ramp + grid.after};
}

}  // namespace

Tile tile_of(const TileGrid& grid, std::int64_t index) {
  Tile tile;
  tile.index = index;
  tile.row = index / grid.num_tile_columns();
  tile.column = index % grid.num_tile_columns();
  const Span rows = core_span(tile.row, grid.core, grid.num_rows);
  const Span columns = core_span(tile.column, grid.core, grid.num_columns);
  const Span extent_rows = extent_span(rows, grid.ramp, grid.num_rows);
  const Span extent_columns = extent_span(columns, grid.ramp, grid.num_columns);
  tile.core = window_of(rows, columns);
  tile.extent = window_of(extent_rows, extent_columns);
  tile.window = window_of(window_span(grid, tile.row, extent_rows),
                          window_span(grid, tile.column, extent_columns));
  return tile;
}

std::vector<float> blend_weights(std::int64_t begin, std::int64_t end, std::int64_t core_begin,
                                 std::int64_t core_end, std::int64_t ramp) {
  // Of the later of the two tiles at a border; the earlier has the rest.
  const auto rising = [&](std::int64_t position, std::int64_t border) {
    const double way = (static_cast<double>(position - border + ramp / 2) + 0.5) /
                       static_cast<double>(ramp);
    return static_cast<float>(0.5 * (1 - std::cos(std::numbers::pi * way)));
  };
  std::vector<float> weights;
  for (std::int64_t position = begin; position < end; ++position) {
    if (begin < core_begin && position < core_begin + ramp / 2)
      weights.push_back(rising(position, core_begin));
    else if (end > core_end && position >= core_end - ramp / 2)
      weights.push_back(1 - rising(position, core_end));
    else
      weights.push_back(1);
  }
  return weights;
}

}  // namespace cadastre
