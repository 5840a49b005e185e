#pragma once

#include <sys/types.h>

#include <functional>
#include <mutex>
#include <vector>

#include "executor/thread_turns.h"

namespace cadastre {

/// The threads by which Gloo reads from sockets and writes to them. One that is woken while
/// another thread is in a call of Gloo finds the connection's lock taken, and asks again and again.
/// Where it has taken that other thread's processor for it, it asks until the scheduler's next
/// tick, milliseconds later, in which nothing is computed.
class MessageThreads {
 public:
  MessageThreads() = default;
  MessageThreads(const MessageThreads&) = delete;
  MessageThreads& operator=(const MessageThreads&) = delete;

  /// Those that `start` starts are some. No other thread may start one meanwhile.
  void add_started_by(const std::function<void()>& start);

  /// As long as one lives, the threads take no processor from others; after it, they come first.
  /// Several threads may have one.
  class Held {
   public:
    explicit Held(MessageThreads& threads);
    ~Held();
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

   private:
    MessageThreads& threads_;
  };

 private:
  void take(Turns turns) const;

  std::vector<pid_t> threads_;
  std::mutex mutex_;  ///< of the count, and of the turns that follow it
  int num_held_ = 0;
};

}  // namespace cadastre
