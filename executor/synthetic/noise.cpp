#include "executor/synthetic/noise.h"

#include <algorithm>
#include <cmath>

namespace cadastre::synthetic {

namespace {

std::uint64_t mixed(std::uint64_t bits) {
  bits += 0x9e3779b97f4a7c15U;
  bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebU;
  return bits ^ (bits >> 31U);
}

}  // namespace

std::uint64_t hash(std::uint64_t seed, std::int64_t a, std::int64_t b, std::int64_t c) {
  std::uint64_t bits = mixed(seed);
  for (const std::int64_t part : {a, b, c}) bits = mixed(bits ^ static_cast<std::uint64_t>(part));
  return bits;
}

double uniform(std::uint64_t bits) { return static_cast<double>(bits >> 11U) * 0x1.0p-53; }

double between(std::uint64_t bits, double least, double most) {
  return least + (most - least) * uniform(bits);
}

double normal(std::uint64_t bits) {
  double sum = 0;
  for (unsigned shift = 0; shift < 64; shift += 16)
    sum += (static_cast<double>((bits >> shift) & 0xffffU) + 0.5) / 65536.0;
  constexpr double kSqrtOf3 = 1.7320508075688772;  // the sum of four has variance 4/12
  return (sum - 2) * kSqrtOf3;
}

double smooth_noise(std::uint64_t seed, double x, double y) {
  const double floor_x = std::floor(x);
  const double floor_y = std::floor(y);
  const auto fade = [](double t) { return t * t * t * (t * (t * 6 - 15) + 10); };
  const double along_x = fade(x - floor_x);
  const double along_y = fade(y - floor_y);
  const auto column = static_cast<std::int64_t>(floor_x);
  const auto row = static_cast<std::int64_t>(floor_y);
  const auto corner = [&](std::int64_t right, std::int64_t down) {
    return 2 * uniform(hash(seed, column + right, row + down)) - 1;
  };
  const double upper = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * along_x;
  const double lower = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * along_x;
  return upper + (lower - upper) * along_y;
}

double fractal_noise(std::uint64_t seed, double x, double y, int octaves) {
  double sum = 0;
  double strength = 0.5;
  for (int octave = 0; octave < octaves; ++octave) {
    sum += strength * smooth_noise(hash(seed, octave), x, y);
    x *= 2;
    y *= 2;
    strength /= 2;
  }
  return sum;
}

double smooth_step(double from, double to, double value) {
  const double t = std::clamp((value - from) / (to - from), 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

}  // namespace cadastre::synthetic
