#pragma once

#include <sys/types.h>

namespace cadastre {

/// How Linux lets a thread in that wakes up while another has its processor.
enum class Turns {
  kFirst,  ///< at once: for what moves messages, a little at a time
  kLast    ///< when the other has had its turn, milliseconds later
};

/// Of a thread of this process. That it comes first Linux leaves to chance where the process may
/// not raise its priority (neither root, nor CAP_SYS_NICE, nor RLIMIT_NICE).
void set_turns(pid_t thread, Turns turns);

/// Of the thread that calls this, for good.
void come_first_here();
[[nodiscard]] bool comes_first_here();

}  // namespace cadastre
