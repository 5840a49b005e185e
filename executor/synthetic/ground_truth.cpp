#include "executor/synthetic/ground_truth.h"

#include <algorithm>
#include <array>

#include "executor/synthetic/noise.h"

namespace cadastre::synthetic {

namespace {

enum Purpose : std::int64_t { kPatch = 600, kBlock };

constexpr std::int64_t kBlock_px = 32;
// On each side of a border between train and test: patches of 9 × 9 pixels share no ground then.
constexpr std::int64_t kGuard_px = 4;

std::vector<std::uint8_t> split_of(std::uint64_t seed, std::int64_t side) {
  // Blocks of even size, near 32 pixels, that fill the scene; at least 6 × 6 of them.
  const std::int64_t num_blocks = std::max<std::int64_t>(6, (side + kBlock_px / 2) / kBlock_px);
  const auto side_of = [&](std::int64_t row, std::int64_t column) {
    const std::uint64_t bits = hash(seed, row * num_blocks / side, column * num_blocks / side);
    return uniform(bits) < 0.55 ? kTrain : kTest;
  };
  std::vector<std::uint8_t> split;
  split.reserve(static_cast<std::size_t>(side * side));
  for (std::int64_t row = 0; row < side; ++row)
    for (std::int64_t column = 0; column < side; ++column) {
      const std::uint8_t own = side_of(row, column);
      bool near_other = false;
      for (const std::int64_t y : {row - kGuard_px, row, row + kGuard_px})
        for (const std::int64_t x : {column - kGuard_px, column, column + kGuard_px})
          near_other = near_other || side_of(std::clamp(y, std::int64_t{0}, side - 1),
                                             std::clamp(x, std::int64_t{0}, side - 1)) != own;
      split.push_back(near_other ? std::uint8_t{0} : own);
    }
  return split;
}

/// The smallest share that a class has on its smaller side, of all its labelled pixels.
double worst_share(const std::vector<std::uint8_t>& labels,
                   const std::vector<std::uint8_t>& split) {
  std::array<std::array<double, 3>, kNumCovers + 1> counts{};
  for (std::size_t pixel = 0; pixel < labels.size(); ++pixel)
    counts[labels[pixel]][split[pixel]] += 1;
  double worst = 1;
  for (std::size_t cover = 1; cover <= kNumCovers; ++cover) {
    const double all = counts[cover][0] + counts[cover][kTrain] + counts[cover][kTest];
    if (all == 0) return 0;
    worst = std::min(worst, std::min(counts[cover][kTrain], counts[cover][kTest]) / all);
  }
  return worst;
}

}  // namespace

std::vector<std::uint8_t> label_pixels(const Land& land, std::uint64_t seed) {
  constexpr int kNearlyPure = 13;  // of the 16 cells in a pixel
  const std::int64_t side = land.num_cells / kCellsPerMetre;
  std::vector<std::uint8_t> labels;
  labels.reserve(static_cast<std::size_t>(side * side));
  for (std::int64_t row = 0; row < side; ++row)
    for (std::int64_t column = 0; column < side; ++column) {
      std::array<int, kNumCovers + 1> num_cells{};
      for (std::int64_t y = 0; y < kCellsPerMetre; ++y)
        for (std::int64_t x = 0; x < kCellsPerMetre; ++x)
          ++num_cells[static_cast<std::size_t>(
              land.at(row * kCellsPerMetre + y, column * kCellsPerMetre + x).cover)];
      const auto most = std::max_element(num_cells.begin(), num_cells.end());
      const double patch = fractal_noise(hash(seed, kPatch), static_cast<double>(column) / 7,
                                         static_cast<double>(row) / 7, 2);
      const bool is_labelled = *most >= kNearlyPure && patch > 0;
      labels.push_back(is_labelled ? static_cast<std::uint8_t>(most - num_cells.begin())
                                   : std::uint8_t{0});
    }
  return labels;
}

std::vector<std::uint8_t> split_pixels(const std::vector<std::uint8_t>& labels, std::int64_t side,
                                       std::uint64_t seed) {
  constexpr std::int64_t kNumDivisions = 64;
  std::vector<std::uint8_t> best;
  double best_share = 0;
  for (std::int64_t i = 0; i < kNumDivisions; ++i) {
    std::vector<std::uint8_t> split = split_of(hash(seed, kBlock, i), side);
    const double share = worst_share(labels, split);
    if (share > best_share) {
      best_share = share;
      best = std::move(split);
    }
  }
  return best;
}

}  // namespace cadastre::synthetic
