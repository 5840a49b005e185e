#include "planner/checksum.h"

#include <set>
#include <string>

#include "tests/support/catch.h"

namespace cadastre {
namespace {

std::string bytes_of(std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(37 * i + i / 7));
  return bytes;
}

TEST_CASE("a checksum is another for every byte that changes, wherever it lies", "[planner]") {
  for (const std::size_t size : {1, 7, 8, 31, 32, 33, 64, 100}) {
    const std::string bytes = bytes_of(size);
    std::set<std::string> seen = {checksum_text(bytes)};
    for (std::size_t i = 0; i < size; ++i)
      for (const int bit : {0, 3, 7}) {
        std::string changed = bytes;
        changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
        CHECK(seen.insert(checksum_text(changed)).second);
      }
  }
}

TEST_CASE("a checksum is another where bytes are left out, added or change places", "[planner]") {
  const std::string bytes = bytes_of(200);
  std::set<std::string> seen;
  for (std::size_t size = 0; size <= bytes.size(); ++size)
    CHECK(seen.insert(checksum_text(bytes.substr(0, size))).second);
  CHECK(seen.insert(checksum_text(bytes + std::string(1, '\0'))).second);
  for (std::size_t word = 8; word + 8 <= bytes.size(); word += 8)
    CHECK(seen.insert(checksum_text(bytes.substr(word, 8) + bytes.substr(8, word - 8) +
                                    bytes.substr(0, 8) + bytes.substr(word + 8)))
              .second);
}

TEST_CASE("a checksum is the same in every version", "[planner]") {
  // Worked out in Python from the definition.
  CHECK(checksum_text("") == "92bc9fe089781888");
  CHECK(checksum_text(bytes_of(5)) == "9d6cbb1d603c9f99");
  CHECK(checksum_text(bytes_of(100)) == "4e96578cd291563d");
}

}  // namespace
}  // namespace cadastre
