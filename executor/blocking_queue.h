#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

namespace cadastre {

/// What some threads make and others take, at most so many in between.
template <class Value>
class BlockingQueue {
 public:
  explicit BlockingQueue(std::size_t most) : most_(most) {}

  /// Waits for room. Throws what the queue failed with.
  void push(Value value) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return values_.size() < most_ || failure_; });
    if (failure_) std::rethrow_exception(failure_);
    values_.push_back(std::move(value));
    changed_.notify_all();
  }

  /// Does not wait: whether there was room.
  [[nodiscard]] bool try_push(Value& value) {
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
    if (values_.size() >= most_) return false;
    values_.push_back(std::move(value));
    changed_.notify_all();
    return true;
  }

  /// Waits for a value; none when the queue was closed and is empty. Throws what it failed with.
  [[nodiscard]] std::optional<Value> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !values_.empty() || is_closed_ || failure_; });
    if (failure_) std::rethrow_exception(failure_);
    if (values_.empty()) return std::nullopt;
    std::optional<Value> value(std::move(values_.front()));
    values_.pop_front();
    changed_.notify_all();
    return value;
  }

  void close() {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    changed_.notify_all();
  }

  /// Whoever waits, or comes from now on, throws this. The first failure stays.
  void fail(const std::exception_ptr& failure) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = failure;
    changed_.notify_all();
  }

 private:
  std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Value> values_;
  bool is_closed_ = false;
  std::exception_ptr failure_;
};

}  // namespace cadastre
