#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace cadastre {

/// FNV-1a over words of eight bytes, turned a little after each, every fourth on its own, then over
/// the four results, what is left, and the size: any one word that changes changes it. Against
/// accidents, not against intent.
[[nodiscard]] std::uint64_t checksum(const char* bytes, std::size_t size);

/// The same as 16 hexadecimal digits.
[[nodiscard]] std::string checksum_text(const std::string& bytes);

}  // namespace cadastre
