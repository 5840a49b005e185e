#include "executor/predict/tile_blender.h"

#include <algorithm>
#include <utility>

namespace cadastre {

TileBlender::TileBlender(const TileGrid& tiles, std::int64_t num_classes,
                         std::int64_t first_tile_row,
                         std::function<void(const MapRows& rows)> on_rows)
    : tiles_(tiles),
      num_classes_(num_classes),
      first_(first_tile_row),
      next_(first_tile_row),
      on_rows_(std::move(on_rows)) {}

TileBlender::Band& TileBlender::band_of(const Tile& tile) {
  Band& band = bands_[tile.row];
  if (band.num_rows == 0) {
    band.first_row = tile.extent.row;
    band.num_rows = tile.extent.num_rows;
    const auto num_pixels = static_cast<std::size_t>(band.num_rows * tiles_.num_columns);
    band.sums.assign(static_cast<std::size_t>(num_classes_) * num_pixels, 0);
    band.has_data.assign(num_pixels, 0);
  }
  return band;
}

void TileBlender::add(const TileScores& scores) {
  const Tile tile = tile_of(tiles_, scores.tile);
  if (tile.row < next_) return;
  Band& band = band_of(tile);
  const Window& extent = tile.extent;
  const std::vector<float> weights =
      blend_weights(extent.column, extent.column + extent.num_columns, tile.core.column,
                    tile.core.column + tile.core.num_columns, tiles_.ramp);
  for (std::int64_t k = 0; k < (scores.probabilities.empty() ? 0 : num_classes_); ++k)
    for (std::int64_t y = 0; y < extent.num_rows; ++y) {
      const float* const from =
          scores.probabilities.data() + (k * extent.num_rows + y) * extent.num_columns;
      float* const to =
          band.sums.data() + (k * band.num_rows + y) * tiles_.num_columns + extent.column;
      for (std::int64_t x = 0; x < extent.num_columns; ++x)
        to[x] += weights[static_cast<std::size_t>(x)] * from[x];
    }
  for (std::int64_t y = 0; y < (scores.has_data.empty() ? 0 : extent.num_rows); ++y)
    for (std::int64_t x = 0; x < extent.num_columns; ++x)
      band.has_data[static_cast<std::size_t>(y * tiles_.num_columns + extent.column + x)] |=
          scores.has_data[static_cast<std::size_t>(y * extent.num_columns + x)];
  ++band.num_tiles;
  for (auto found = bands_.find(next_);
       found != bands_.end() && found->second.num_tiles == tiles_.num_tile_columns();
       found = bands_.find(next_)) {
    hand_out(next_, found->second);
    bands_.erase(found);
    ++next_;
  }
}

void TileBlender::hand_out(std::int64_t tile_row, Band& band) {
  const Tile tile = tile_of(tiles_, tile_row * tiles_.num_tile_columns());
  const std::int64_t core_end = tile.core.row + tile.core.num_rows;
  const std::int64_t band_end = band.first_row + band.num_rows;
  const std::vector<float> weights =
      blend_weights(band.first_row, band_end, tile.core.row, core_end, tiles_.ramp);
  const std::int64_t line = tiles_.num_columns;
  for (std::int64_t k = 0; k < num_classes_; ++k)
    for (std::int64_t y = 0; y < band.num_rows; ++y) {
      const float weight = weights[static_cast<std::size_t>(y)];
      if (weight == 1) continue;
      float* const row = band.sums.data() + (k * band.num_rows + y) * line;
      for (std::int64_t x = 0; x < line; ++x) row[x] *= weight;
    }
  // The upper ramp ends what the row before began.
  for (std::int64_t y = 0; y < tail_.num_rows; ++y) {
    const std::int64_t own = tail_.first_row + y - band.first_row;
    for (std::int64_t k = 0; k < num_classes_; ++k) {
      const float* const from = tail_.sums.data() + (k * tail_.num_rows + y) * line;
      float* const to = band.sums.data() + (k * band.num_rows + own) * line;
      for (std::int64_t x = 0; x < line; ++x) to[x] = from[x] + to[x];
    }
  }

  const bool is_last = tile_row + 1 == tiles_.num_tile_rows();
  const bool has_upper_ramp = band.first_row < tile.core.row;
  // Where the row before was done in an earlier life, so was the ramp to it.
  const std::int64_t begin = has_upper_ramp && tile_row == first_ && tail_.num_rows == 0
                                 ? std::min(tile.core.row + tiles_.ramp / 2, band_end)
                                 : band.first_row;
  const std::int64_t end = is_last ? band_end : std::max(begin, core_end - tiles_.ramp / 2);
  const auto cut = [&](std::int64_t from, std::int64_t to, std::vector<float>& sums,
                       std::vector<std::uint8_t>& has_data) {
    for (std::int64_t k = 0; k < num_classes_; ++k) {
      const auto first =
          band.sums.begin() + (k * band.num_rows + from - band.first_row) * line;
      sums.insert(sums.end(), first, first + (to - from) * line);
    }
    const auto first = band.has_data.begin() + (from - band.first_row) * line;
    has_data.assign(first, first + (to - from) * line);
  };
  MapRows rows{.first_row = begin,
               .num_rows = end - begin,
               .tile_row = tile_row,
               .probabilities = {},
               .has_data = {}};
  cut(begin, end, rows.probabilities, rows.has_data);
  tail_ = Band{};
  if (!is_last && band_end > end) {
    tail_.first_row = end;
    tail_.num_rows = band_end - end;
    cut(end, band_end, tail_.sums, tail_.has_data);
  }
  on_rows_(rows);
}

}  // namespace cadastre
