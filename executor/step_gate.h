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

  /// After every step, when so many are done: waits as long as the rank is held. Whether this was
  /// the last.
  [[nodiscard]] bool ends_after(std::int64_t num_steps) {
    std::unique_lock lock(mutex_);
    released_.wait(lock, [&] { return !is_held_; });
    step_ = num_steps;
    return num_steps == end_;
  }

  /// The rank goes no further than the step that it is in, which is returned.
  std::int64_t hold() {
    const std::lock_guard lock(mutex_);
    is_held_ = true;
    return step_;
  }

  /// It goes on until `num_steps` are done.
  void release_until(std::int64_t num_steps) {
    const std::lock_guard lock(mutex_);
    end_ = num_steps;
    is_held_ = false;
    released_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable released_;
  std::int64_t step_;  ///< that is under way
  std::int64_t end_ = std::numeric_limits<std::int64_t>::max();
  bool is_held_ = false;
};

}  // namespace cadastre
