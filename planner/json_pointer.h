#pragma once

#include <string>
#include <string_view>

namespace cadastre {

/// `key` as a token of a JSON pointer: `~` and `/` escaped (RFC 6901, section 3).
[[nodiscard]] std::string pointer_token(std::string_view key);

}  // namespace cadastre
