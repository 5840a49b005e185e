#include "executor/augmentation.h"

#include <algorithm>
#include <cmath>
#include <cstring>
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

/// `view` of a square (side, side), see `turn_square`: its value (y, x) is `square`'s at
/// first + y · down + x · right.
template <typename Value>
void copy_view(const Value* square, std::int64_t side, int view, Value* to) {
  std::int64_t right = (view & 1) != 0 ? -1 : 1;
  std::int64_t down = (view & 2) != 0 ? -side : side;
  const std::int64_t first = (right < 0 ? side - 1 : 0) + (down < 0 ? (side - 1) * side : 0);
  if ((view & 4) != 0) std::swap(right, down);
  for (std::int64_t y = 0; y < side; ++y) {
    const Value* const line = square + first + y * down;
    for (std::int64_t x = 0; x < side; ++x) *to++ = line[x * right];
  }
}

template <typename Value>
void turn(Value* square, std::int64_t side, int view) {
  if (view == 0) return;
  const std::vector<Value> before(square, square + side * side);
  copy_view(before.data(), side, view, square);
}

/// Nearly normal noise, many values at once: generators side by side (xorshift, Marsaglia 2003). A
/// value is the sum of the four bytes of a number (of variance 4 · (256² - 1) / 12), so it reaches
/// 3.5 standard deviations.
class Noise {
 public:
  explicit Noise(std::uint64_t key) {
    for (std::size_t lane = 0; lane < kNumLanes; lane += 2) {
      const std::uint64_t bits = mix(key + lane);
      states_[lane] = static_cast<std::uint32_t>(bits) | 1U;  // never 0, which it would stay
      states_[lane + 1] = static_cast<std::uint32_t>(bits >> 32U) | 1U;
    }
  }

  /// values[i] = gain · values[i] + offset + noise of that deviation.
  void vary(float* values, std::int64_t size, float gain, float offset, float deviation) {
    constexpr float kMean = 4 * 127.5F;
    const float scale = deviation / std::sqrt(4.0F * 65535.0F / 12.0F);
    const float shift = offset - scale * kMean;
    std::int64_t i = 0;
    for (; i + kNumLanes <= size; i += kNumLanes) {
      const Floats noise = next();
      Floats some;
      std::memcpy(&some, values + i, sizeof some);
      some = gain * some + (scale * noise + shift);
      std::memcpy(values + i, &some, sizeof some);
    }
    if (i == size) return;
    const Floats noise = next();
    for (std::int64_t lane = 0; i < size; ++i, ++lane)
      values[i] = gain * values[i] + (scale * noise[lane] + shift);
  }

 private:
  static constexpr std::int64_t kNumLanes = 4;
  using Numbers [[gnu::vector_size(4 * kNumLanes)]] = std::uint32_t;
  using SignedNumbers [[gnu::vector_size(4 * kNumLanes)]] = std::int32_t;  // faster to convert
  using Floats [[gnu::vector_size(4 * kNumLanes)]] = float;

  /// Sums of four bytes.
  Floats next() {
    states_ ^= states_ << 13;
    states_ ^= states_ >> 17;
    states_ ^= states_ << 5;
    const Numbers pairs = (states_ & 0x00ff00ffU) + ((states_ >> 8) & 0x00ff00ffU);
    const Numbers sums = (pairs & 0xffffU) + (pairs >> 16);
    return __builtin_convertvector(reinterpret_cast<const SignedNumbers&>(sums), Floats);
  }

  Numbers states_{};
};

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
  const float gain = variation.gain * kept_scale;
  const float offset = variation.offset * kept_scale;
  std::vector<float> before(static_cast<std::size_t>(band_size));
  Noise noise(variation.noise_key);
  for (std::int64_t band = 0; band < num_bands; ++band) {
    float* const values = patch + band * band_size;
    if (variation.band_dropout > 0 &&
        uniform(mix(variation.band_key, static_cast<std::uint64_t>(band))) <
            variation.band_dropout) {
      std::fill_n(values, band_size, 0.0F);
      continue;
    }
    if (variation.view != 0) {
      std::copy_n(values, band_size, before.begin());
      copy_view(before.data(), side, variation.view, values);
    }
    if (variation.noise > 0)
      noise.vary(values, band_size, gain, offset, variation.noise * kept_scale);
    else if (gain != 1 || offset != 0)
      for (std::int64_t i = 0; i < band_size; ++i) values[i] = gain * values[i] + offset;
  }
}

}  // namespace cadastre
