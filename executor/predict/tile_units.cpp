#include "executor/predict/tile_units.h"

#include <algorithm>
#include <cstring>

namespace cadastre {

namespace {

/// View v: mirrored left to right when v is odd, upside down when v & 2, transposed when v & 4.
at::Tensor seen(const at::Tensor& images, int view) {
  if (view == 0) return images;
  at::Tensor turned = images;
  if ((view & 1) != 0) turned = turned.flip({-1});
  if ((view & 2) != 0) turned = turned.flip({-2});
  if ((view & 4) != 0) turned = turned.transpose(-2, -1);
  return turned.contiguous();
}

at::Tensor seen_back(const at::Tensor& images, int view) {
  if (view == 0) return images;
  at::Tensor turned = images;
  if ((view & 4) != 0) turned = turned.transpose(-2, -1);
  if ((view & 2) != 0) turned = turned.flip({-2});
  if ((view & 1) != 0) turned = turned.flip({-1});
  return turned.contiguous();
}

std::int64_t num_batches(const TileScoring& scoring, const Tile& tile) {
  if (scoring.is_dense) return 1;
  const std::int64_t num_pixels = tile.extent.num_rows * tile.extent.num_columns;
  return (num_pixels + scoring.batch_size - 1) / scoring.batch_size;
}

struct UnitPart {
  int view = 0;
  std::int64_t begin = 0;  ///< pixel of the extent
  std::int64_t size = 0;
};

/// View after view, so that a tile's sum is one and the same.
UnitPart part_of(const TileScoring& scoring, const Tile& tile, std::int64_t unit) {
  const std::int64_t batches = num_batches(scoring, tile);
  UnitPart part;
  part.view = static_cast<int>(unit / batches);
  if (scoring.is_dense) {
    part.size = 1;
    return part;
  }
  const std::int64_t num_pixels = tile.extent.num_rows * tile.extent.num_columns;
  part.begin = unit % batches * scoring.batch_size;
  part.size = std::min(scoring.batch_size, num_pixels - part.begin);
  return part;
}

at::Tensor patches_of(const TileScoring& scoring, const Tile& tile, const UnitPart& part,
                      std::size_t input, const std::vector<float>& window) {
  const std::int64_t scale = scoring.scales[input];
  const std::int64_t num_bands = scoring.num_bands[input];
  const std::int64_t side = scoring.patch * scale;
  const std::int64_t line = tile.window.num_columns * scale;
  const std::int64_t band_size = tile.window.num_rows * scale * line;
  at::Tensor patches = at::empty({part.size, num_bands, side, side}, at::kFloat);
  float* to = patches.data_ptr<float>();
  const auto num_bytes = static_cast<std::size_t>(side) * sizeof(float);
  for (std::int64_t pixel = part.begin; pixel < part.begin + part.size; ++pixel) {
    // A pixel's patch begins `before` = P/2 above and left of it: at its own place in the window.
    const std::int64_t row = pixel / tile.extent.num_columns;
    const std::int64_t column = pixel % tile.extent.num_columns;
    const float* const first = window.data() + row * scale * line + column * scale;
    for (std::int64_t band = 0; band < num_bands; ++band)
      for (std::int64_t y = 0; y < side; ++y, to += side)
        std::memcpy(to, first + band * band_size + y * line, num_bytes);
  }
  return patches;
}

}  // namespace

std::int64_t num_units(const TileScoring& scoring, const Tile& tile) {
  return num_batches(scoring, tile) * scoring.num_views;
}

std::int64_t unit_rows(const TileScoring& scoring, const Tile& tile, std::int64_t unit) {
  return part_of(scoring, tile, unit).size;
}

at::Tensor unit_input(const TileScoring& scoring, const Tile& tile, std::int64_t unit,
                      std::size_t input, const std::vector<float>& window) {
  const UnitPart part = part_of(scoring, tile, unit);
  if (!scoring.is_dense)
    return seen(patches_of(scoring, tile, part, input, window), part.view);
  const std::int64_t scale = scoring.scales[input];
  // The view is read before `window` is filled anew.
  const at::Tensor image =
      at::from_blob(const_cast<float*>(window.data()),
                    {1, scoring.num_bands[input], tile.window.num_rows * scale,
                     tile.window.num_columns * scale},
                    at::kFloat);
  return part.view == 0 ? image.clone() : seen(image, part.view);
}

void add_unit_scores(const TileScoring& scoring, const Tile& tile, std::int64_t unit,
                     const at::Tensor& scores, std::vector<float>& probabilities) {
  const UnitPart part = part_of(scoring, tile, unit);
  const std::int64_t num_pixels = tile.extent.num_rows * tile.extent.num_columns;
  probabilities.resize(static_cast<std::size_t>(scoring.num_classes * num_pixels), 0);
  const float weight = 1.0F / static_cast<float>(scoring.num_views);
  at::Tensor sums = at::from_blob(
      probabilities.data(),
      {scoring.num_classes, tile.extent.num_rows, tile.extent.num_columns}, at::kFloat);
  const at::Tensor parts = at::softmax(scores, 1);
  if (scoring.is_dense) {
    const at::Tensor whole = seen_back(parts, part.view)[0];
    const at::Tensor scored =
        whole.narrow(1, tile.extent.row - tile.window.row, tile.extent.num_rows)
            .narrow(2, tile.extent.column - tile.window.column, tile.extent.num_columns);
    sums.add_(scored, weight);
    return;
  }
  sums.view({scoring.num_classes, num_pixels})
      .narrow(1, part.begin, part.size)
      .add_(parts.t(), weight);
}

std::vector<std::uint8_t> extent_mask(const Tile& tile,
                                      const std::vector<std::uint8_t>& window_mask) {
  std::vector<std::uint8_t> mask;
  mask.reserve(static_cast<std::size_t>(tile.extent.num_rows * tile.extent.num_columns));
  for (std::int64_t y = 0; y < tile.extent.num_rows; ++y) {
    const auto first = window_mask.begin() +
                       (tile.extent.row - tile.window.row + y) * tile.window.num_columns +
                       (tile.extent.column - tile.window.column);
    mask.insert(mask.end(), first, first + tile.extent.num_columns);
  }
  return mask;
}

}  // namespace cadastre
