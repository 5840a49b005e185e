#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace cadastre {

/// Where a rank is in its training: written by the thread that computes, read by the one that
/// answers the coordinator.
class RankPosition {
 public:
  void set(std::int64_t step, std::size_t instruction) {
    step_.store(step, std::memory_order_relaxed);
    instruction_.store(static_cast<std::int64_t>(instruction), std::memory_order_relaxed);
  }

  /// Step and index of the instruction; -1 before the first. The two may be of neighbouring
  /// moments.
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> get() const {
    return {step_.load(std::memory_order_relaxed), instruction_.load(std::memory_order_relaxed)};
  }

 private:
  std::atomic<std::int64_t> step_ = -1;
  std::atomic<std::int64_t> instruction_ = -1;
};

}  // namespace cadastre
