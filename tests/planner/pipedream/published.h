#pragma once

#include <filesystem>

namespace cadastre::pipedream {

/// Where PipeDream's published profiles lie, which are not part of the project: `shared/data`
/// beside the source tree. May not exist.
[[nodiscard]] inline std::filesystem::path published_profile(const std::string& name) {
  return std::filesystem::path(CADASTRE_SOURCE_DIR) / "../shared/data/planner/pipedream" /
         (name + ".txt");
}

}  // namespace cadastre::pipedream
