#pragma once

#include <vector>

#include "executor/launch/rank_link.h"
#include "executor/training_job.h"

namespace cadastre {

/// Tells the coordinator of the steps that a rank has ended, several at a time where they are
/// short: a message after each would keep the rank's processor, and the coordinator, which is on
/// one of the hosts, from the next step.
class StepReporter {
 public:
  explicit StepReporter(RankLink& link) : link_(link) {}

  /// Sends it, with those before it, unless the last were sent a moment ago.
  void add(const StepReport& report);

  /// What is left of them: before anything else that the coordinator is to read after them.
  void send();

 private:
  RankLink& link_;
  std::vector<StepReport> reports_;
  double sent_s_ = 0;  ///< the last
};

}  // namespace cadastre
