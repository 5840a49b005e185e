#include "executor/message_threads.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iterator>
#include <string>

namespace cadastre {

namespace {

/// Ascending.
std::vector<pid_t> threads_of_process() {
  std::vector<pid_t> threads;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    const std::string name = entry.path().filename();
    pid_t thread = 0;
    std::from_chars(name.data(), name.data() + name.size(), thread);
    threads.push_back(thread);
  }
  std::sort(threads.begin(), threads.end());
  return threads;
}

}  // namespace

void MessageThreads::add_started_by(const std::function<void()>& start) {
  const std::vector<pid_t> before = threads_of_process();
  start();
  const std::vector<pid_t> after = threads_of_process();
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(),
                      std::back_inserter(threads_));
  take(Turns::kFirst);
}

void MessageThreads::take(Turns turns) const {
  for (const pid_t thread : threads_) set_turns(thread, turns);
}

MessageThreads::Held::Held(MessageThreads& threads) : threads_(threads) {
  const std::scoped_lock lock(threads_.mutex_);
  if (threads_.num_held_++ == 0) threads_.take(Turns::kLast);
}

MessageThreads::Held::~Held() {
  {
    const std::scoped_lock lock(threads_.mutex_);
    if (--threads_.num_held_ > 0) return;
    threads_.take(Turns::kFirst);
  }
  if (!comes_first_here()) ::sched_yield();
}

}  // namespace cadastre
