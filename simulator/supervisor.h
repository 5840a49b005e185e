#pragma once

#include <cstddef>
#include <functional>
#include <simgrid/s4u.hpp>
#include <vector>

#include "planner/cluster.h"
#include "planner/conditions.h"
#include "planner/program.h"
#include "planner/simulation.h"

namespace cadastre {

/// What the run does about failures: when a host or link that the program needs fails, all ranks
/// end; once it is back, they start again from the last step after which every rank had written its
/// checkpoint. Whatever else fails meanwhile puts that off.
class Supervisor {
 public:
  struct Ranks {
    std::function<void()> end;
    std::function<void(int first_step)> start;
  };

  /// Does nothing where no failure of checked conditions touches the program.
  Supervisor(const Conditions& conditions, const Program& program, const Cluster& cluster,
             Ranks ranks);

  /// Begins to look out; `on` is where its actor is. Before the engine runs.
  void start(simgrid::s4u::Host* on);

  /// A rank has written its checkpoint after `step`.
  void on_checkpoint(int step);

  /// All ranks have ended: the failures still to come have nothing left to end.
  void on_run_ended();

  [[nodiscard]] const std::vector<Restart>& restarts() const { return restarts_; }

 private:
  void supervise();

  Recovery recovery_;
  std::vector<Failure> failures_;  ///< of what the program needs, ascending in time
  Ranks ranks_;
  std::size_t num_ranks_;
  simgrid::s4u::ActorPtr actor_;
  std::vector<std::size_t> num_checkpoints_;  ///< [step] written by how many ranks
  int restart_step_ = 0;                      ///< all ranks can start again here
  double restart_point_s_ = 0;                ///< when that was reached, or begun again
  std::vector<Restart> restarts_;
};

}  // namespace cadastre
