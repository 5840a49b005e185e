#include "planner/checksum.h"

#include <array>
#include <bit>
#include <cstdio>
#include <cstring>

namespace cadastre {

namespace {

constexpr std::uint64_t kOffset = 14695981039346656037U;
constexpr std::uint64_t kPrime = 1099511628211U;
constexpr std::size_t kNumLanes = 4;  // a multiplication takes as long as four can be begun in

/// FNV-1a's step. A product carries nothing downwards: without the turn two highest bits that
/// change would undo each other.
std::uint64_t add(std::uint64_t sum, std::uint64_t word) {
  constexpr int kTurn = 29;
  return std::rotl((sum ^ word) * kPrime, kTurn);
}

std::uint64_t word_at(const char* bytes, std::size_t size) {
  std::uint64_t word = 0;
  if (size > 0) std::memcpy(&word, bytes, size);
  return word;
}

}  // namespace

std::uint64_t checksum(const char* bytes, std::size_t size) {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  std::array<std::uint64_t, kNumLanes> lanes;
  for (std::size_t lane = 0; lane < kNumLanes; ++lane) lanes[lane] = kOffset + lane;
  const char* at = bytes;
  std::size_t left = size;
  for (; left >= kNumLanes * kWord; at += kNumLanes * kWord, left -= kNumLanes * kWord)
    for (std::size_t lane = 0; lane < kNumLanes; ++lane)
      lanes[lane] = add(lanes[lane], word_at(at + lane * kWord, kWord));
  std::uint64_t sum = kOffset;
  for (const std::uint64_t lane : lanes) sum = add(sum, lane);
  for (; left >= kWord; at += kWord, left -= kWord) sum = add(sum, word_at(at, kWord));
  return add(sum, word_at(at, left) ^ size);
}

std::string checksum_text(const std::string& bytes) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx",
                static_cast<unsigned long long>(checksum(bytes.data(), bytes.size())));
  return digits;
}

}  // namespace cadastre
