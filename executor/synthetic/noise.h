#pragma once

#include <cstdint>

namespace cadastre::synthetic {

// Randomness as a function of a seed and a position, never of what was drawn before: every part of
// a scene can be made alone. Everything under synthetic/ uses only + - * / and sqrt, which IEEE 754
// rounds alike on every machine; the mathematical library's functions may differ in the last bit.

/// 64 well-mixed bits. Source: the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
[[nodiscard]] std::uint64_t hash(std::uint64_t seed, std::int64_t a, std::int64_t b = 0,
                                 std::int64_t c = 0);

/// Uniform in [0, 1).
[[nodiscard]] double uniform(std::uint64_t bits);

/// Uniform in [least, most).
[[nodiscard]] double between(std::uint64_t bits, double least, double most);

/// Mean 0, variance 1, within ±3.5: the sum of four uniform numbers (Irwin-Hall), close to normal.
[[nodiscard]] double normal(std::uint64_t bits);

/// Continuous in x and y, within [-1, 1], features of size 1. Source: value noise (Perlin 1985),
/// with the quintic fade of Perlin 2002.
[[nodiscard]] double smooth_noise(std::uint64_t seed, double x, double y);

/// A sum of `octaves` smooth noises, each of half the size and half the strength of the one before.
[[nodiscard]] double fractal_noise(std::uint64_t seed, double x, double y, int octaves);

/// 0 below `from`, 1 above `to`, smooth between.
[[nodiscard]] double smooth_step(double from, double to, double value);

}  // namespace cadastre::synthetic
