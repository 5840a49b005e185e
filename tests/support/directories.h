#pragma once

#include <filesystem>

namespace cadastre {

/// The checkout that the tests were built from.
[[nodiscard]] std::filesystem::path source_directory();

/// Where the build left the programs, `cadastre` among them.
[[nodiscard]] std::filesystem::path binary_directory();

}  // namespace cadastre
