#pragma once

#include <cstdint>
#include <string_view>

#include "planner/training_settings.h"

namespace cadastre {

/// How one modality of one sample is varied, drawn from the seed, the sample's position in the
/// training and the modality's name alone: the same on every rank.
struct PatchVariation {
  int view = 0;  ///< 0..7, see `turn_square`; of the sample, so the same for all its modalities
  float gain = 1;
  float offset = 0;
  float noise = 0;            ///< standard deviation of what is added to each value
  double band_dropout = 0;    ///< chance
  bool is_dropped = false;    ///< the whole modality is 0
  std::uint64_t noise_key = 0;
  std::uint64_t band_key = 0;
};

/// One of the 8 views of a square, for a sample.
[[nodiscard]] int drawn_view(const Augmentation& augmentation, std::uint64_t seed,
                             std::int64_t position);

/// `num_modalities`: of the model. Of a modality of B bands, s = min(1, B / 20), gain and
/// offset are (1 + 3 s) / 4 of the settings', noise (1 + 5 s) / 6, band dropout s.
[[nodiscard]] PatchVariation drawn_variation(const Augmentation& augmentation, std::uint64_t seed,
                                             std::int64_t position, std::string_view modality,
                                             std::int64_t num_bands, std::int64_t num_modalities);

/// Varies a patch (num_bands, side, side) in place. What is left of dropped bands is scaled up, so
/// that the sum over the bands stays what it is in the mean (Srivastava et al. 2014).
void vary_patch(float* patch, std::int64_t num_bands, std::int64_t side,
                const PatchVariation& variation);

/// Turns a square (side, side) in place: bit 0 of `view` mirrors columns, bit 1 rows, then bit 2
/// exchanges rows and columns.
void turn_square(float* square, std::int64_t side, int view);
void turn_square(std::int64_t* square, std::int64_t side, int view);

}  // namespace cadastre
