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

bool is_transposed(int view) { return (view & 4) != 0; }

/// Units of a view.
std::int64_t num_batches(const TileScoring& scoring, const Tile& tile, int view) {
  const Window& extent = tile.extent;
  const auto divided = [](std::int64_t all, std::int64_t part) { return (all + part - 1) / part; };
  if (scoring.is_dense) return 1;
  if (!scoring.shares_patches)
    return divided(extent.num_rows * extent.num_columns, scoring.batch_size);
  return divided(is_transposed(view) ? extent.num_columns : extent.num_rows, scoring.strip_rows);
}

struct UnitPart {
  int view = 0;
  std::int64_t begin = 0;  ///< pixel of the extent; row of the view where patches are shared
  std::int64_t size = 0;
};

/// View after view, so that a tile's sum is one and the same.
UnitPart part_of(const TileScoring& scoring, const Tile& tile, std::int64_t unit) {
  UnitPart part;
  for (; unit >= num_batches(scoring, tile, part.view); ++part.view)
    unit -= num_batches(scoring, tile, part.view);
  if (scoring.is_dense) {
    part.size = 1;
    return part;
  }
  const Window& extent = tile.extent;
  const std::int64_t whole = scoring.shares_patches ? scoring.strip_rows : scoring.batch_size;
  const std::int64_t all = !scoring.shares_patches ? extent.num_rows * extent.num_columns
                           : is_transposed(part.view) ? extent.num_columns
                                                      : extent.num_rows;
  part.begin = unit * whole;
  part.size = std::min(whole, all - part.begin);
  return part;
}

/// Rows `begin` to `begin + size` of a view of `images` (…, H, W), as they lie in these.
at::Tensor strip_of(const at::Tensor& images, int view, std::int64_t begin, std::int64_t size) {
  const std::int64_t dimension = images.dim() - (is_transposed(view) ? 1 : 2);
  const bool is_mirrored = (view & (is_transposed(view) ? 1 : 2)) != 0;
  return images.narrow(dimension,
                       is_mirrored ? images.size(dimension) - begin - size : begin, size);
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
  std::int64_t units = 0;
  for (int view = 0; view < scoring.num_views; ++view) units += num_batches(scoring, tile, view);
  return units;
}

std::int64_t unit_rows(const TileScoring& scoring, const Tile& tile, std::int64_t unit) {
  return part_of(scoring, tile, unit).size;
}

UnitSize unit_size(const TileScoring& scoring, const Tile& tile, std::int64_t unit) {
  const UnitPart part = part_of(scoring, tile, unit);
  return {.num_rows = part.size,
          .num_columns =
              is_transposed(part.view) ? tile.extent.num_rows : tile.extent.num_columns};
}

at::Tensor unit_input(const TileScoring& scoring, const Tile& tile, std::int64_t unit,
                      std::size_t input, const std::vector<float>& window) {
  const UnitPart part = part_of(scoring, tile, unit);
  if (!scoring.is_dense && !scoring.shares_patches)
    return seen(patches_of(scoring, tile, part, input, window), part.view);
  const std::int64_t scale = scoring.scales[input];
  // The view is read before `window` is filled anew.
  const at::Tensor image =
      at::from_blob(const_cast<float*>(window.data()),
                    {1, scoring.num_bands[input], tile.window.num_rows * scale,
                     tile.window.num_columns * scale},
                    at::kFloat);
  if (scoring.shares_patches)
    return seen(strip_of(image, part.view, part.begin * scale,
                         (part.size + scoring.patch - 1) * scale),
                part.view);
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
  if (scoring.shares_patches) {
    strip_of(sums, part.view, part.begin, part.size).add_(seen_back(parts, part.view)[0], weight);
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
