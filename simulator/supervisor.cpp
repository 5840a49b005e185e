#include "simulator/supervisor.h"

#include <algorithm>
#include <utility>

#include "simulator/environment.h"
#include "simulator/simgrid_version.h"

namespace cadastre {

namespace s4u = simgrid::s4u;

Supervisor::Supervisor(const Conditions& conditions, const Program& program, const Cluster& cluster,
                       Ranks ranks)
    : recovery_(conditions.recovery),
      failures_(conditions.failures),
      ranks_(std::move(ranks)),
      num_ranks_(program.ranks.size()),
      num_checkpoints_(static_cast<std::size_t>(conditions.num_steps) + 1, 0) {
  std::erase_if(failures_, [&](const Failure& failure) {
    return !is_needed(failure.resource, program, cluster);
  });
  std::stable_sort(failures_.begin(), failures_.end(),
                   [](const Failure& a, const Failure& b) { return a.at_s < b.at_s; });
}

void Supervisor::start(s4u::Host* on) {
  if (failures_.empty()) return;
  // No daemon: those end with the last rank, and a run may be without ranks for a while.
  actor_ = simgrid_version::add_actor("supervisor", on, [this] { supervise(); });
}

void Supervisor::on_checkpoint(int step) {
  if (++num_checkpoints_[static_cast<std::size_t>(step)] < num_ranks_) return;
  restart_step_ = step + 1;
  restart_point_s_ = s4u::Engine::get_clock();
}

void Supervisor::on_run_ended() {
  if (actor_) actor_->kill();
}

void Supervisor::supervise() {
  for (std::size_t next = 0; next < failures_.size();) {
    s4u::this_actor::sleep_until(failures_[next].at_s);
    const double failed_s = s4u::Engine::get_clock();
    ranks_.end();
    std::fill(num_checkpoints_.begin() + restart_step_, num_checkpoints_.end(), 0);
    const std::size_t first = next;
    double resumed_s = 0;
    do {
      const Failure& failure = failures_[next++];
      resumed_s = std::max(
          {resumed_s, failure.at_s + recovery_.detection_s, failure.at_s + *failure.back_after_s});
    } while (next < failures_.size() && failures_[next].at_s <= resumed_s + recovery_.restart_s);
    resumed_s += recovery_.restart_s;
    for (std::size_t i = first; i < next; ++i)
      restarts_.push_back({.resource = failures_[i].resource,
                           .failed_at_s = failures_[i].at_s,
                           .resumed_at_s = resumed_s,
                           .from_step = restart_step_,
                           .lost_s = i == first ? failed_s - restart_point_s_ : 0});
    s4u::this_actor::sleep_until(resumed_s);
    restart_point_s_ = resumed_s;
    ranks_.start(restart_step_);
  }
}

}  // namespace cadastre
