#pragma once

#include <functional>
#include <string>

#include "executor/launch/interruption.h"
#include "executor/launch/launch.h"
#include "executor/launch/rank_failure.h"

namespace cadastre {

/// How often ranks that did not find each other are started anew, to meet at other ports.
class Meetings {
 public:
  using OnNote = std::function<void(const std::string& note)>;

  Meetings(const LaunchOptions& options, OnNote on_note);

  /// Returns where they are to be started again, and notes it; else throws `failure`: they are a
  /// launcher's, which are not this process's to start, it has been tried often enough, or the user
  /// wants an end.
  void go_on_after(const NotMet& failure);

 private:
  static constexpr int kMost = 3;

  bool starts_ranks_;
  OnNote on_note_;
  Interruption interruption_;
  int num_new_ = 0;
};

/// `attempt` starts ranks and coordinates them; it is called again where they did not meet.
template <typename Attempt>
auto until_ranks_meet(const LaunchOptions& options, Meetings::OnNote on_note,
                      const Attempt& attempt) {
  Meetings meetings(options, std::move(on_note));
  while (true) {
    try {
      return attempt();
    } catch (const NotMet& failure) {
      meetings.go_on_after(failure);
    }
  }
}

}  // namespace cadastre
