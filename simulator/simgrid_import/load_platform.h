#pragma once

#include <filesystem>
#include <string>

#include "simulator/simgrid_import/seen_platform.h"

namespace cadastre {

/// Lets SimGrid load `file`, which `read_platform_file` has checked. To be called in a process of
/// its own (`run_isolated`), once: SimGrid's assertions end it, and it has one engine. Throws
/// InputError where SimGrid refuses the file.
[[nodiscard]] SeenPlatform load_platform(const std::filesystem::path& file);

/// `InputError` for what SimGrid said as it refused or ended on `file`.
[[noreturn]] void refuse_as_simgrid(const std::string& file, const std::string& said);

}  // namespace cadastre
