#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cadastre {

/// The candidate that `name` was probably meant to be (Levenshtein distance at most a third of its
/// length), or "" when none is near.
[[nodiscard]] std::string near_name(std::string_view name,
                                    const std::vector<std::string>& candidates);

}  // namespace cadastre
