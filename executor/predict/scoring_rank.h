#pragma once

#include <cstdint>
#include <string>

namespace cadastre {

/// What one rank did.
struct ScoringRank {
  std::string host;
  std::int64_t num_tiles = 0;  ///< that it scored, or had its part in
  bool was_lost = false;
};

}  // namespace cadastre
