#include "executor/random.h"

namespace cadastre {

std::uint64_t mix(std::uint64_t seed, std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char character : name)
    hash = (hash ^ static_cast<unsigned char>(character)) * 0x100000001b3U;
  return mix(seed, hash);
}

}  // namespace cadastre
