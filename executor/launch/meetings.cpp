#include "executor/launch/meetings.h"

#include <utility>

namespace cadastre {

Meetings::Meetings(const LaunchOptions& options, OnNote on_note)
    : starts_ranks_(!started_by(options)), on_note_(std::move(on_note)) {}

void Meetings::go_on_after(const NotMet& failure) {
  if (!starts_ranks_ || num_new_ == kMost || Interruption::count() > 0) throw failure;
  ++num_new_;
  on_note_(std::string(failure.what()) + "; they are started again, to meet at other ports: " +
           std::to_string(num_new_) + " of " + std::to_string(kMost) + " times");
}

}  // namespace cadastre
