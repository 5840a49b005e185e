#pragma once

#include <string>
#include <vector>

namespace cadastre {

/// Rows of text in aligned columns, the first row underlined as heading; the first column to the
/// left, the others to the right. UTF-8 counts as characters.
[[nodiscard]] std::string text_table(const std::vector<std::vector<std::string>>& rows);

/// `value` with `decimals` digits after the point.
[[nodiscard]] std::string fixed(double value, int decimals);

}  // namespace cadastre
