#include "executor/predict/tile_scores.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

#include "planner/checksum.h"

namespace cadastre {

namespace {

/// Tile, number of probabilities, number of mask pixels, checksum of what follows.
using Head = std::array<std::uint64_t, 4>;

}  // namespace

std::string encode(const TileScores& scores) {
  const std::size_t num_bytes = scores.probabilities.size() * sizeof(float);
  std::string bytes(sizeof(Head) + num_bytes + scores.has_data.size(), '\0');
  char* const content = bytes.data() + sizeof(Head);
  if (num_bytes > 0) std::memcpy(content, scores.probabilities.data(), num_bytes);
  if (!scores.has_data.empty())
    std::memcpy(content + num_bytes, scores.has_data.data(), scores.has_data.size());
  const Head head = {static_cast<std::uint64_t>(scores.tile), scores.probabilities.size(),
                     scores.has_data.size(), checksum(content, bytes.size() - sizeof(Head))};
  std::memcpy(bytes.data(), head.data(), sizeof(Head));
  return bytes;
}

TileScores tile_scores_from(const std::string& bytes) {
  Head head{};
  if (bytes.size() >= sizeof(Head)) std::memcpy(head.data(), bytes.data(), sizeof(Head));
  const std::size_t size = bytes.size() - std::min(bytes.size(), sizeof(Head));
  if (bytes.size() < sizeof(Head) || head[1] > size / sizeof(float) ||
      size != head[1] * sizeof(float) + head[2] ||
      head[3] != checksum(bytes.data() + sizeof(Head), size))
    throw std::runtime_error("a tile's scores are damaged");
  TileScores scores;
  scores.tile = static_cast<std::int64_t>(head[0]);
  scores.probabilities.resize(head[1]);
  scores.has_data.resize(head[2]);
  const char* const content = bytes.data() + sizeof(Head);
  if (head[1] > 0) std::memcpy(scores.probabilities.data(), content, head[1] * sizeof(float));
  if (head[2] > 0)
    std::memcpy(scores.has_data.data(), content + head[1] * sizeof(float), head[2]);
  return scores;
}

}  // namespace cadastre
