#include "executor/step_reporter.h"

#include "executor/timing.h"

namespace cadastre {

void StepReporter::add(const StepReport& report) {
  constexpr double kIntervalSeconds = 0.2;
  reports_.push_back(report);
  if (steady_clock_s() - sent_s_ >= kIntervalSeconds) send();
}

void StepReporter::send() {
  if (reports_.empty()) return;
  link_.send(to_frame(reports_));
  reports_.clear();
  sent_s_ = steady_clock_s();
}

}  // namespace cadastre
