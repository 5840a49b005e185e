#pragma once

#include <cstddef>
#include <map>
#include <simgrid/s4u.hpp>
#include <vector>

#include "planner/conditions.h"
#include "planner/step_spreads.h"
#include "simulator/factor_sequence.h"
#include "simulator/platform.h"

namespace cadastre {

/// What varies from step to step in a replay. A host's speed is that of the step which its rank is
/// at; a link's bandwidth that of the step which the last rank has begun, as ranks that share it
/// may be at different ones: it changes where one measured step ends and the next begins.
class StepFactors {
 public:
  /// `spreads` are of the cluster and routes from which `platform` was built. Before the engine
  /// runs.
  StepFactors(const Jitter& jitter, const StepSpreads& spreads, const Cluster& cluster,
              const Routes& routes, const Platform& platform, std::size_t num_ranks);

  /// Of the host's speed in a step.
  [[nodiscard]] double of_host(int host, int step);

  /// A rank begins a step. To be called by its actor.
  void begin_step(int step);

  /// All ranks begin again, from an earlier step.
  void restart() { num_begun_.clear(); }

 private:
  struct VaryingLink {
    simgrid::s4u::Link* link = nullptr;
    double bandwidth_bytes_per_s = 0;  ///< of the median
    FactorSequence factors;
  };

  std::vector<FactorSequence> hosts_;  ///< [host]
  std::vector<VaryingLink> links_;
  std::size_t num_ranks_;
  std::map<int, std::size_t> num_begun_;  ///< [step] by how many ranks, where not by all
};

}  // namespace cadastre
