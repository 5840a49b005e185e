#include "executor/predict/map_work.h"

#include <algorithm>

namespace cadastre {

namespace {

std::int64_t core_pixels(const TileGrid& tiles, std::int64_t index) {
  const Window core = tile_of(tiles, index).core;
  return core.num_rows * core.num_columns;
}

}  // namespace

MapWork::MapWork(PartialMap& partial, const TileScoring& scoring)
    : partial_(partial),
      tiles_(scoring.tiles),
      blender_(scoring.tiles, scoring.num_classes, partial.first_tile_row(),
               [this](const MapRows& rows) { partial_.write(rows); }) {
  const std::int64_t first = partial.first_tile_row() * tiles_.num_tile_columns();
  const std::vector<std::int64_t> kept = partial.kept_tiles();
  for (std::int64_t tile = 0; tile < tiles_.num_tiles(); ++tile) {
    if (tile >= first && !std::binary_search(kept.begin(), kept.end(), tile))
      missing_.push_back(tile);
    else
      num_pixels_kept_ += core_pixels(tiles_, tile);
  }
  num_pixels_done_ = num_pixels_kept_;
  for (const std::int64_t tile : kept) blender_.add(partial.kept(tile));
}

bool MapWork::may_begin(std::size_t place) const {
  constexpr std::int64_t kRowsAhead = 2;
  return missing_[place] / tiles_.num_tile_columns() < blender_.first_open_row() + kRowsAhead;
}

void MapWork::add(const TileScores& scores) {
  partial_.keep(scores);
  blender_.add(scores);
  num_pixels_done_ += core_pixels(tiles_, scores.tile);
}

}  // namespace cadastre
