#pragma once

#include <condition_variable>
#include <cstdint>
#include <limits>
#include <mutex>

namespace cadastre {

/// Lets ranks that are a step or more apart end their training after the same one: each is held
/// where it is, says in which step that is, and is then told after how many all end. The calls that
/// hold and release come from another thread than the one that trains.
class StepGate {
 public:
  explicit StepGate(std::int64_t first_step) : step_(first_step) {}

  /// Before every step: waits as long as the rank is held.
  void begin(std::int64_t step) {
    std::unique_lock lock(mutex_);
    released_.wait(lock, [&] { return !is_held_ || step <= step_; });
    step_ = step;
  }

  /// No step begins after the one that is under way, which is returned.
  std::int64_t hold() {
    const std::lock_guard lock(mutex_);
    is_held_ = true;
    return step_;
  }

  /// Goes on until `num_steps` are done.
  void release_until(std::int64_t num_steps) {
    const std::lock_guard lock(mutex_);
    end_ = num_steps;
    is_held_ = false;
    released_.notify_all();
  }

  [[nodiscard]] bool ends_after(std::int64_t num_steps) {
    const std::lock_guard lock(mutex_);
    return num_steps == end_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable released_;
  std::int64_t step_;
  std::int64_t end_ = std::numeric_limits<std::int64_t>::max();
  bool is_held_ = false;
};

}  // namespace cadastre
