#pragma once

#include <string>
#include <vector>

#include "planner/json_reader.h"

namespace cadastre {

// The words that refusals share. A refusal reads `expected …, found …`.

/// `text` as a JSON string, quotes included.
[[nodiscard]] std::string in_quotes(const std::string& text);

/// `a, b, c`; after the sixth, how many more there are.
[[nodiscard]] std::string listed(const std::vector<std::string>& names);

/// `, did you mean "…"?`, or "" when no candidate is near.
[[nodiscard]] std::string did_you_mean(const std::string& name,
                                       const std::vector<std::string>& candidates);

/// `number` in the fewest digits that read back as the same number: 0.9, 1, 1e-06.
[[nodiscard]] std::string number_text(double number);

/// Throws InputError at `pointer` below `place`, for checks of a value that was read already.
[[noreturn]] void refuse(const JsonPlace& place, const std::string& pointer,
                         const std::string& message);

}  // namespace cadastre
