#include "planner/checksum.h"

#include <cstdio>
#include <cstring>

namespace cadastre {

std::uint64_t checksum(const char* bytes, std::size_t size) {
  constexpr std::uint64_t kOffset = 14695981039346656037U;
  constexpr std::uint64_t kPrime = 1099511628211U;
  std::uint64_t sum = kOffset;
  std::uint64_t word = 0;
  for (; size >= sizeof word; bytes += sizeof word, size -= sizeof word) {
    std::memcpy(&word, bytes, sizeof word);
    sum = (sum ^ word) * kPrime;
  }
  word = 0;
  if (size > 0) std::memcpy(&word, bytes, size);
  return (sum ^ word ^ size) * kPrime;
}

std::string checksum_text(const std::string& bytes) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx",
                static_cast<unsigned long long>(checksum(bytes.data(), bytes.size())));
  return digits;
}

}  // namespace cadastre
