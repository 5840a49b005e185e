#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cadastre {

/// Downsets as bit sets, each stored once, with the numbers of devices that reach it.
class DownsetTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFFU;

  explicit DownsetTable(std::size_t num_groups);

  /// A way to a downset: one device more than the way `parent`.
  struct Way {
    std::uint32_t downset = 0;
    std::uint32_t num_accelerators = 0;
    std::uint32_t num_cpus = 0;
    std::uint32_t parent = kNone;
    std::uint32_t next_way = kNone;  ///< to the same downset
  };

  /// Keeps the way to the downset `words`, unless a kept one needs no more devices of either kind.
  /// Returns its number, or kNone.
  std::uint32_t add(std::span<const std::uint64_t> words, std::uint32_t num_accelerators,
                    std::uint32_t num_cpus, std::uint32_t parent);

  [[nodiscard]] const std::vector<Way>& ways() const { return ways_; }

  [[nodiscard]] std::span<const std::uint64_t> words(std::uint32_t downset) const {
    return {words_.data() + downset * num_words_, num_words_};
  }

  /// Bytes in use, about.
  [[nodiscard]] std::size_t num_bytes() const;

 private:
  /// The slot of `words`: empty, or its own.
  [[nodiscard]] std::size_t slot_of(std::span<const std::uint64_t> words) const;
  void grow();

  std::size_t num_words_;
  std::vector<std::uint64_t> words_;
  std::vector<std::uint32_t> first_way_;  ///< by downset
  std::vector<Way> ways_;
  std::vector<std::uint32_t> slots_;  ///< hash table of downsets
};

}  // namespace cadastre
