#pragma once

#include <cstdint>
#include <string_view>

namespace cadastre {

/// A well-mixed number from a number: the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

/// Two numbers into one, not symmetric.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t first, std::uint64_t second) {
  return mix(mix(first) ^ second);
}

/// A number from a seed and a name, the same on every machine (FNV-1a, then mixed).
[[nodiscard]] std::uint64_t mix(std::uint64_t seed, std::string_view name);

}  // namespace cadastre
