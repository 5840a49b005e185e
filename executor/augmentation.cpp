#include "executor/augmentation.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "executor/random.h"

namespace cadastre {

namespace {

/// Modalities of fewer bands have none to spare.
constexpr std::int64_t kFewBands = 4;

/// In [0, 1).
double uniform(std::uint64_t bits) {
  constexpr double kUnit = 0x1p-53;
  return static_cast<double>(bits >> 11U) * kUnit;
}

/// Of the standard normal distribution (Box and Muller 1958).
double normal(std::uint64_t key) {
  const double radius = std::sqrt(-2 * std::log(1 - uniform(mix(key, 0))));
  return radius * std::cos(2 * std::numbers::pi * uniform(mix(key, 1)));
}

template <typename Value>
void mirror_columns(Value* square, std::int64_t side) {
  for (std::int64_t row = 0; row < side; ++row)
    std::reverse(square + row * side, square + (row + 1) * side);
}

template <typename Value>
void mirror_rows(Value* square, std::int64_t side) {
  for (std::int64_t row = 0; row < side / 2; ++row)
    std::swap_ranges(square + row * side, square + (row + 1) * side,
                     square + (side - 1 - row) * side);
}

template <typename Value>
void transpose(Value* square, std::int64_t side) {
  for (std::int64_t row = 0; row < side; ++row)
    for (std::int64_t column = row + 1; column < side; ++column)
      std::swap(square[row * side + column], square[column * side + row]);
}

template <typename Value>
void turn(Value* square, std::int64_t side, int view) {
  if ((view & 1) != 0) mirror_columns(square, side);
  if ((view & 2) != 0) mirror_rows(square, side);
  if ((view & 4) != 0) transpose(square, side);
}

/// Adds nearly normal noise: each value gets the sum of four bytes (of variance 4 · (256² - 1) /
/// 12), so that one random number makes two; the sum reaches 3.5 standard deviations.
void add_noise(float* values, std::int64_t size, float deviation, std::uint64_t key) {
  constexpr float kMean = 4 * 127.5F;
  const float scale = deviation / std::sqrt(4.0F * 65535.0F / 12.0F);
  const auto draw = [&](std::uint32_t bits) {
    const std::uint32_t pairs = (bits & 0x00ff00ffU) + ((bits >> 8U) & 0x00ff00ffU);
    return scale * (static_cast<float>((pairs & 0xffffU) + (pairs >> 16U)) - kMean);
  };
  for (std::int64_t i = 0; i < size; i += 2) {
    const std::uint64_t bits = mix(key + static_cast<std::uint64_t>(i));
    values[i] += draw(static_cast<std::uint32_t>(bits));
    if (i + 1 < size) values[i + 1] += draw(static_cast<std::uint32_t>(bits >> 32U));
  }
}

}  // namespace

void turn_square(float* square, std::int64_t side, int view) { turn(square, side, view); }

void turn_square(std::int64_t* square, std::int64_t side, int view) { turn(square, side, view); }

int drawn_view(const Augmentation& augmentation, std::uint64_t seed, std::int64_t position) {
  if (!augmentation.dihedral) return 0;
  constexpr std::uint64_t kNumViews = 8;
  return static_cast<int>(mix(mix(seed, "view"), static_cast<std::uint64_t>(position)) % kNumViews);
}

PatchVariation drawn_variation(const Augmentation& augmentation, std::uint64_t seed,
                               std::int64_t position, std::string_view modality,
                               std::int64_t num_bands, std::int64_t num_modalities) {
  const std::uint64_t sample = mix(mix(seed, "variation"), static_cast<std::uint64_t>(position));
  const std::uint64_t key = mix(sample, modality);
  enum Purpose : std::uint64_t { kGain, kOffset, kDrop, kNoise, kBands };
  PatchVariation variation;
  variation.view = drawn_view(augmentation, seed, position);
  constexpr double kManyBands = 20;
  const double many = std::min(1.0, static_cast<double>(num_bands) / kManyBands);
  const double part = (1 + 3 * many) / 4;
  if (augmentation.gain > 0)
    variation.gain = static_cast<float>(1 + part * augmentation.gain * normal(mix(key, kGain)));
  if (augmentation.offset > 0)
    variation.offset = static_cast<float>(part * augmentation.offset * normal(mix(key, kOffset)));
  variation.noise = static_cast<float>((1 + 5 * many) / 6 * augmentation.noise);
  variation.noise_key = mix(key, kNoise);
  if (num_bands >= kFewBands) variation.band_dropout = many * augmentation.band_dropout;
  variation.band_key = mix(key, kBands);
  variation.is_dropped =
      num_modalities > 1 && uniform(mix(key, kDrop)) < augmentation.modality_dropout;
  return variation;
}

void vary_patch(float* patch, std::int64_t num_bands, std::int64_t side,
                const PatchVariation& variation) {
  const std::int64_t band_size = side * side;
  if (variation.is_dropped) {
    std::fill_n(patch, num_bands * band_size, 0.0F);
    return;
  }
  const auto kept_scale = static_cast<float>(1 / (1 - variation.band_dropout));
  for (std::int64_t band = 0; band < num_bands; ++band) {
    float* const values = patch + band * band_size;
    const auto number = static_cast<std::uint64_t>(band);
    if (variation.band_dropout > 0 &&
        uniform(mix(variation.band_key, number)) < variation.band_dropout) {
      std::fill_n(values, band_size, 0.0F);
      continue;
    }
    turn_square(values, side, variation.view);
    const float gain = variation.gain * kept_scale;
    const float offset = variation.offset * kept_scale;
    if (gain != 1 || offset != 0)
      for (std::int64_t i = 0; i < band_size; ++i) values[i] = gain * values[i] + offset;
    if (variation.noise > 0)
      add_noise(values, band_size, variation.noise * kept_scale,
                mix(variation.noise_key, number));
  }
}

}  // namespace cadastre
