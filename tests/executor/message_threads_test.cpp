#include "executor/message_threads.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <future>
#include <optional>
#include <thread>

#include "tests/support/catch.h"

namespace cadastre {
namespace {

int niceness(pid_t thread) { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(thread)); }

TEST_CASE("threads that move messages wait while another is in a call of theirs", "[executor]") {
  std::promise<pid_t> number;
  std::promise<void> end;
  std::thread moving;
  MessageThreads threads;
  threads.add_started_by([&] {
    moving = std::thread([&] {
      number.set_value(::gettid());
      end.get_future().wait();
    });
  });
  const pid_t thread = number.get_future().get();
  const int niceness_here = niceness(::gettid());
  const int niceness_before = niceness(thread);
  const int policy_before = ::sched_getscheduler(thread);
  int policy_within = 0;
  int policy_after_one = 0;
  int niceness_within = 0;
  {
    std::optional<MessageThreads::Held> one(threads);
    {
      const MessageThreads::Held other(threads);
      policy_within = ::sched_getscheduler(thread);
      niceness_within = niceness(thread);
    }
    policy_after_one = ::sched_getscheduler(thread);
  }
  const int policy_after = ::sched_getscheduler(thread);
  const int own_policy = ::sched_getscheduler(0);
  end.set_value();
  moving.join();
  CHECK(niceness_before <= niceness_here);
  CHECK(policy_before == SCHED_OTHER);
  CHECK(policy_within == SCHED_BATCH);
  CHECK(niceness_within == niceness_here);
  CHECK(policy_after_one == SCHED_BATCH);
  CHECK(policy_after == SCHED_OTHER);
  CHECK(own_policy == SCHED_OTHER);
}

TEST_CASE("a thread that comes first is so for itself alone", "[executor]") {
  bool is_first = false;
  std::thread first([&] {
    come_first_here();
    is_first = comes_first_here();
  });
  first.join();
  CHECK(is_first);
  CHECK_FALSE(comes_first_here());
}

}  // namespace
}  // namespace cadastre
