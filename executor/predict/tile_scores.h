#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cadastre {

/// What a network makes of a tile.
struct TileScores {
  std::int64_t tile = 0;
  std::vector<float> probabilities;    ///< (K, h, w) of the extent; empty where nothing has data
  std::vector<std::uint8_t> has_data;  ///< (h, w); empty: not known here
  bool operator==(const TileScores&) const = default;
};

/// As bytes, for the way to the coordinator and for the work that is kept; with a checksum.
[[nodiscard]] std::string encode(const TileScores& scores);

/// Throws std::runtime_error when the bytes are damaged.
[[nodiscard]] TileScores tile_scores_from(const std::string& bytes);

}  // namespace cadastre
