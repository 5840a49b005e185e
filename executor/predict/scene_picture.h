#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "planner/scene.h"

namespace cadastre {

/// What of a scene looks most as people see the ground.
struct PictureBands {
  std::size_t modality = 0;    ///< index in the scene
  std::array<int, 3> bands{};  ///< red, green, blue: of all its files' bands, from 1 on
  bool operator==(const PictureBands&) const = default;
};

/// What each band of a modality says of itself.
struct BandColor {
  enum class Kind { kNone, kRed, kGreen, kBlue };
  Kind kind = Kind::kNone;
  double wavelength_nm = 0;  ///< 0: it does not say
};

/// Which bands, of those that `taken` names (from 1 on), to show as red, green and blue: those that
/// call themselves so; else those of wavelengths nearest to 650, 560 and 470 nm; else, of bands
/// that say nothing, the first three of up to four (red first), or three of the first third of more
/// (short waves first); of fewer than three the first, three times. `rank` is greater the more they
/// look as the ground does.
struct ChosenBands {
  std::array<int, 3> bands{};
  int rank = 0;
};

[[nodiscard]] ChosenBands choose_bands(const std::vector<BandColor>& colors,
                                       const std::vector<int>& taken);

/// The modalities of the scene that could be shown, best first; those whose files do not open are
/// left out, as are categorical ones.
[[nodiscard]] std::vector<PictureBands> picture_bands(const Scene& scene);

/// Writes the scene as a picture of the size of its map's, each band stretched from its 2nd to its
/// 98th percentile, transparent where there is no data. Returns false, and writes nothing, where no
/// modality can be read. Throws std::runtime_error when the file cannot be written.
[[nodiscard]] bool write_scene_picture(const std::filesystem::path& file, const Scene& scene);

}  // namespace cadastre
