#include "executor/thread_turns.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace cadastre {

namespace {

/// What Linux's `sched_setattr` takes, in its first version: not all C libraries declare it.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = SCHED_OTHER;
  std::uint64_t flags = 0;
  std::int32_t niceness = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = 0;
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};

static_assert(sizeof(SchedulingAttributes) == 48);

/// Less nice than threads that compute without end, which else are let go on until the next tick of
/// the clock, 4 ms in many kernels, in which no message moves.
constexpr int kLessNice = 15;
constexpr int kLeastNiceness = -20;

/// The least that Linux takes. From 6.12 on it lets those in first that ask for less at a time.
constexpr std::uint64_t kShortTurnNs = 100'000;

thread_local bool first_here = false;

bool set_attributes(pid_t thread, const SchedulingAttributes& attributes) {
  return ::syscall(SYS_sched_setattr, thread, &attributes, 0) == 0;
}

}  // namespace

void set_turns(pid_t thread, Turns turns) {
  SchedulingAttributes attributes;
  attributes.runtime_ns = kShortTurnNs;
  const int niceness = ::getpriority(PRIO_PROCESS, static_cast<id_t>(::getpid()));
  if (turns == Turns::kFirst) {
    attributes.niceness = std::max(niceness - kLessNice, kLeastNiceness);
    if (set_attributes(thread, attributes)) return;
  } else {
    attributes.policy = SCHED_BATCH;
  }
  attributes.niceness = niceness;
  set_attributes(thread, attributes);
}

void come_first_here() {
  set_turns(::gettid(), Turns::kFirst);
  first_here = true;
}

bool comes_first_here() { return first_here; }

}  // namespace cadastre
