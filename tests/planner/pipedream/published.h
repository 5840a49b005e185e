#pragma once

#include <filesystem>

#include "tests/support/directories.h"

namespace cadastre::pipedream {

/// Where PipeDream's published profiles lie, which are not part of the project: `shared/data`
/// beside the source tree. May not exist.
[[nodiscard]] inline std::filesystem::path published_profile(const std::string& name) {
  return source_directory() / "../shared/data/planner/pipedream" / (name + ".txt");
}

}  // namespace cadastre::pipedream
