#include "executor/scene/block_split.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace cadastre {

namespace {

constexpr auto kTrain = static_cast<std::uint8_t>(Part::kTrain);
constexpr auto kNone = static_cast<std::uint8_t>(Part::kNone);

/// A number drawn for (seed, part, index) alone. Source: SplitMix64 (Steele, Lea and Flood 2014).
std::uint64_t drawn(std::int64_t seed, Part part, std::uint64_t index) {
  const auto mix = [](std::uint64_t x) {
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
  };
  return mix(mix(mix(static_cast<std::uint64_t>(seed)) + static_cast<std::uint64_t>(part)) + index);
}

/// The blocks of a grid and the training pixels of each class in each.
struct Blocks {
  std::int64_t side = 1;
  std::int64_t num_rows = 0;  ///< of blocks
  std::int64_t num_columns = 0;
  std::size_t num_classes = 0;
  std::vector<std::int64_t> counts;  ///< (block, class)
  std::vector<std::int64_t> totals;  ///< by class
  std::vector<bool> has_pixels;
  std::vector<bool> is_parted;

  [[nodiscard]] const std::int64_t* of(std::size_t block) const {
    return counts.data() + block * num_classes;
  }
};

Blocks blocks_of(const Grid& grid, std::int64_t side, const std::vector<std::uint8_t>& class_plane,
                 std::size_t num_classes, const std::vector<std::uint8_t>& parts) {
  Blocks blocks;
  blocks.side = side;
  blocks.num_rows = (grid.num_rows + side - 1) / side;
  blocks.num_columns = (grid.num_columns + side - 1) / side;
  blocks.num_classes = num_classes;
  const auto num_blocks = static_cast<std::size_t>(blocks.num_rows * blocks.num_columns);
  blocks.counts.assign(num_blocks * num_classes, 0);
  blocks.totals.assign(num_classes, 0);
  blocks.has_pixels.assign(num_blocks, false);
  blocks.is_parted.assign(num_blocks, false);
  for (std::int64_t row = 0; row < grid.num_rows; ++row)
    for (std::int64_t column = 0; column < grid.num_columns; ++column) {
      const auto pixel = static_cast<std::size_t>(row * grid.num_columns + column);
      if (parts[pixel] != kTrain) continue;
      const auto block = static_cast<std::size_t>(row / side * blocks.num_columns + column / side);
      ++blocks.counts[block * num_classes + class_plane[pixel]];
      ++blocks.totals[class_plane[pixel]];
      blocks.has_pixels[block] = true;
    }
  return blocks;
}

/// The blocks that hold training pixels, in the order that the seed gives.
std::vector<std::size_t> drawn_order(const Blocks& blocks, const Split& split, Part part) {
  std::vector<std::pair<std::uint64_t, std::size_t>> keyed;
  for (std::size_t block = 0; block < blocks.has_pixels.size(); ++block)
    if (blocks.has_pixels[block]) keyed.emplace_back(drawn(split.seed, part, block), block);
  std::sort(keyed.begin(), keyed.end());
  std::vector<std::size_t> order;
  for (const auto& [key, block] : keyed) order.push_back(block);
  return order;
}

void choose_blocks(Blocks& blocks, const std::vector<std::size_t>& order, double fraction) {
  std::vector<std::int64_t> parted(blocks.num_classes, 0);
  // What changing a block's side changes in the sum of squared distances; +infinity where it would
  // leave a class nothing to train on.
  const auto change = [&](std::size_t block) {
    const std::int64_t sign = blocks.is_parted[block] ? -1 : 1;
    double sum = 0;
    for (std::size_t k = 0; k < blocks.num_classes; ++k) {
      const std::int64_t moved = blocks.of(block)[k];
      if (moved == 0) continue;
      const std::int64_t after = parted[k] + sign * moved;
      if (after == blocks.totals[k]) return HUGE_VAL;
      const auto total = static_cast<double>(blocks.totals[k]);
      const double old_distance = static_cast<double>(parted[k]) / total - fraction;
      const double new_distance = static_cast<double>(after) / total - fraction;
      sum += new_distance * new_distance - old_distance * old_distance;
    }
    return sum;
  };
  constexpr int kMostSweeps = 16;
  constexpr double kLeast = 1e-12;  // beyond rounding, so that the sweeps end
  bool is_changed = true;
  for (int sweep = 0; is_changed && sweep < kMostSweeps; ++sweep) {
    is_changed = false;
    for (const std::size_t block : order) {
      if (!(change(block) < -kLeast)) continue;
      const std::int64_t sign = blocks.is_parted[block] ? -1 : 1;
      for (std::size_t k = 0; k < blocks.num_classes; ++k) parted[k] += sign * blocks.of(block)[k];
      blocks.is_parted[block] = !blocks.is_parted[block];
      is_changed = true;
    }
  }
}

/// Calls `visit` with each pixel of `block` that is at most `distance` pixels from block `other`.
template <typename Visit>
void for_each_near(const Blocks& blocks, const Grid& grid, std::int64_t block_row,
                   std::int64_t block_column, std::int64_t other_row, std::int64_t other_column,
                   std::int64_t distance, const Visit& visit) {
  const auto range = [&](std::int64_t block, std::int64_t other, std::int64_t extent) {
    const std::int64_t least = std::max(block * blocks.side, other * blocks.side - distance);
    const std::int64_t most =
        std::min({(block + 1) * blocks.side, (other + 1) * blocks.side + distance, extent});
    return std::pair(least, most);
  };
  const auto [top, bottom] = range(block_row, other_row, grid.num_rows);
  const auto [left, right] = range(block_column, other_column, grid.num_columns);
  for (std::int64_t row = top; row < bottom; ++row)
    for (std::int64_t column = left; column < right; ++column)
      visit(static_cast<std::size_t>(row * grid.num_columns + column));
}

/// Takes what is near a block of the other side out of `parts`.
void clear_buffer(const Blocks& blocks, const Grid& grid, std::int64_t distance,
                  const std::vector<std::uint8_t>& before, std::uint8_t part,
                  std::vector<std::uint8_t>& parts) {
  const std::int64_t reach = (distance + blocks.side - 1) / blocks.side;
  const auto at = [&](std::int64_t row, std::int64_t column) {
    return static_cast<std::size_t>(row * blocks.num_columns + column);
  };
  for (std::int64_t row = 0; row < blocks.num_rows; ++row)
    for (std::int64_t column = 0; column < blocks.num_columns; ++column) {
      const std::size_t block = at(row, column);
      if (!blocks.has_pixels[block]) continue;
      for (std::int64_t i = std::max<std::int64_t>(0, row - reach);
           i <= std::min(blocks.num_rows - 1, row + reach); ++i)
        for (std::int64_t j = std::max<std::int64_t>(0, column - reach);
             j <= std::min(blocks.num_columns - 1, column + reach); ++j) {
          const std::size_t other = at(i, j);
          if (!blocks.has_pixels[other] || blocks.is_parted[other] == blocks.is_parted[block])
            continue;
          for_each_near(blocks, grid, row, column, i, j, distance, [&](std::size_t pixel) {
            if (before[pixel] == kTrain && (parts[pixel] == kTrain || parts[pixel] == part))
              parts[pixel] = kNone;
          });
        }
    }
}

}  // namespace

std::vector<std::uint8_t> labelled_pixels(const std::vector<std::uint8_t>& class_plane) {
  std::vector<std::uint8_t> parts(class_plane.size(), kNone);
  for (std::size_t pixel = 0; pixel < parts.size(); ++pixel)
    if (class_plane[pixel] != kNoClass) parts[pixel] = kTrain;
  return parts;
}

void part_off_blocks(const Split& split, const Grid& grid,
                     const std::vector<std::uint8_t>& class_plane, std::size_t num_classes,
                     Part part, double fraction, std::vector<std::uint8_t>& parts) {
  if (fraction <= 0) return;
  const auto part_value = static_cast<std::uint8_t>(part);
  Blocks blocks = blocks_of(grid, split.block_pixels, class_plane, num_classes, parts);
  choose_blocks(blocks, drawn_order(blocks, split, part), fraction);

  const std::vector<std::uint8_t> before = parts;
  const auto is_parted = [&](std::size_t pixel) {
    const auto at = static_cast<std::int64_t>(pixel);
    return blocks.is_parted[static_cast<std::size_t>(at / grid.num_columns / blocks.side *
                                                         blocks.num_columns +
                                                     at % grid.num_columns / blocks.side)];
  };
  for (std::size_t pixel = 0; pixel < parts.size(); ++pixel)
    if (before[pixel] == kTrain && is_parted(pixel)) parts[pixel] = part_value;
  if (split.buffer_pixels > 0)
    clear_buffer(blocks, grid, split.buffer_pixels, before, part_value, parts);

  // A small class may lie in the buffer alone: better trained on there than not at all.
  std::vector<bool> has_training(num_classes, false);
  for (std::size_t pixel = 0; pixel < parts.size(); ++pixel)
    if (parts[pixel] == kTrain) has_training[class_plane[pixel]] = true;
  for (std::size_t pixel = 0; pixel < parts.size(); ++pixel)
    if (before[pixel] == kTrain && parts[pixel] == kNone && !is_parted(pixel) &&
        !has_training[class_plane[pixel]])
      parts[pixel] = kTrain;
}

void part_off_pixels(const Split& split, const std::vector<std::uint8_t>& class_plane,
                     std::size_t num_classes, Part part, double fraction,
                     std::vector<std::uint8_t>& parts) {
  std::vector<std::vector<std::pair<std::uint64_t, std::size_t>>> by_class(num_classes);
  for (std::size_t pixel = 0; pixel < parts.size(); ++pixel)
    if (parts[pixel] == kTrain)
      by_class[class_plane[pixel]].emplace_back(drawn(split.seed, part, pixel), pixel);
  for (auto& pixels : by_class) {
    if (pixels.empty()) continue;
    const auto wanted =
        static_cast<std::size_t>(std::llround(fraction * static_cast<double>(pixels.size())));
    const std::size_t count = std::min(wanted, pixels.size() - 1);
    std::sort(pixels.begin(), pixels.end());
    for (std::size_t i = 0; i < count; ++i)
      parts[pixels[i].second] = static_cast<std::uint8_t>(part);
  }
}

}  // namespace cadastre
