#pragma once

#include <filesystem>
#include <string>

#include "planner/cluster.h"

namespace cadastre {

/// What a platform file of SimGrid says itself, before SimGrid loads it.
struct PlatformFile {
  /// Whether it is one `<cluster>` and nothing else. Then `topology` is what SimGrid's words for it
  /// mean here: a candidate, which must be seen to have the same routes.
  bool is_one_cluster = false;
  Topology topology;
  /// Of its `<config>`; without, SimGrid's own default.
  NetworkModel model = lv08_model();
  std::string left_out;  ///< what cadastre takes no notice of, in words; empty: nothing
};

/// Reads and checks `file` without SimGrid, whose assertions end the process. Throws InputError
/// where it is no platform, or one of what cadastre has no place for.
[[nodiscard]] PlatformFile read_platform_file(const std::filesystem::path& file);

}  // namespace cadastre
