#pragma once

#include <string>
#include <vector>

#include "executor/scene/scene_guess.h"

namespace cadastre {

/// The words of a file's name, lower case: "LC08_QA-Pixel.TIF" gives lc08, qa, pixel.
[[nodiscard]] std::vector<std::string> words_of(const FoundFile& file);

/// What one file may be by its name and content, before the others are known. Labels are the
/// candidates for them, of which `strength` orders the likely ones.
struct LikelyRole {
  Role role = Role::kModality;
  int strength = 0;
  std::string why;
};

[[nodiscard]] LikelyRole likely_role(const FoundFile& file);

/// Whether a file says that it is labels, by its name or item, or as only vectors are.
[[nodiscard]] bool is_called_labels(const FoundFile& file);

/// What a mask's values or bits mean, by its name: Sentinel-2's SCL, Landsat's QA_PIXEL, else every
/// value but 0 is a cloud.
[[nodiscard]] PixelMask mask_of(const FoundFile& file, std::string& meaning);

}  // namespace cadastre
