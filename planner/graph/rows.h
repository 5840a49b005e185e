#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace cadastre {

/// Lists of numbers, one a row, in two arrays: what a graph's adjacency is read from fastest.
class Rows {
 public:
  Rows() = default;

  /// From pairs (row, item), each row in the order of its pairs.
  Rows(std::size_t num_rows, const std::vector<std::pair<std::uint32_t, std::uint32_t>>& pairs)
      : begin_(num_rows + 1, 0), items_(pairs.size()) {
    for (const auto& [row, item] : pairs) ++begin_[row + 1];
    for (std::size_t r = 0; r < num_rows; ++r) begin_[r + 1] += begin_[r];
    std::vector<std::uint32_t> next = begin_;
    for (const auto& [row, item] : pairs) items_[next[row]++] = item;
  }

  [[nodiscard]] std::span<const std::uint32_t> operator[](std::size_t row) const {
    return {items_.data() + begin_[row], items_.data() + begin_[row + 1]};
  }

 private:
  std::vector<std::uint32_t> begin_ = {0};
  std::vector<std::uint32_t> items_;
};

}  // namespace cadastre
