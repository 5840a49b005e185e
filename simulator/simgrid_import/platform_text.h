#pragma once

#include <string>
#include <vector>

namespace cadastre {

/// The parts of a list as platforms write them, between separators; the whole where there is none.
[[nodiscard]] std::vector<std::string> split(const std::string& text, char separator);

}  // namespace cadastre
