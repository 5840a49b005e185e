#pragma once

#include <cstdint>
#include <vector>

#include "planner/placement/piece_graph.h"
#include "planner/placement/placement.h"

namespace cadastre {

/// The devices of a placement problem.
struct Devices {
  std::size_t num_accelerators = 0;
  std::size_t num_cpus = 0;
  double accelerator_bytes = 0;
};

/// A placement: each group in one of the pieces, which come in an order that no precedence goes
/// against.
struct PieceChain {
  std::vector<std::uint32_t> piece_of_group;
  std::vector<DeviceKind> kind_of_piece;
};

/// The greatest load of a device.
[[nodiscard]] double max_load_ms(const PieceGraph& graph, const PieceChain& chain);

/// The most accelerator work that CPUs can take over in a given time, when work can be split: what
/// bounds on the rest of a placement are made of.
class CpuRelief {
 public:
  explicit CpuRelief(const PieceGraph& graph);

  struct Relief {
    double accelerator_ms = 0;  ///< taken over
    double per_cpu_ms = 0;      ///< how much more with a little more time
  };

  /// In `cpu_ms` of all CPUs together.
  [[nodiscard]] Relief in(double cpu_ms) const;

 private:
  struct Step {
    double cpu_ms = 0;          ///< up to here
    double accelerator_ms = 0;  ///< taken over up to here
    double ratio = 0;           ///< in this step
  };

  double free_ms_ = 0;  ///< accelerator work that costs a CPU nothing
  std::vector<Step> steps_;
};

/// A bound below the greatest load of every placement: all work perfectly divided, and each group
/// where it is fastest. Infinite when there is no device for a group.
[[nodiscard]] double load_bound_ms(const PieceGraph& graph, const CpuRelief& relief,
                                   const Devices& devices);

}  // namespace cadastre
