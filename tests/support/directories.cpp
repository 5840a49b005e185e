#include "tests/support/directories.h"

namespace cadastre {

std::filesystem::path source_directory() { return CADASTRE_SOURCE_DIR; }

std::filesystem::path binary_directory() { return CADASTRE_BINARY_DIR; }

}  // namespace cadastre
