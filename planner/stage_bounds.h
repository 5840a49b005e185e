#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "planner/cluster.h"
#include "planner/downsets.h"
#include "planner/profile.h"

namespace cadastre {

/// A stage while the search builds a plan: the layers between two downsets, on some hosts.
struct PlacedStage {
  std::size_t below = 0;  ///< the downset that earlier stages cover
  std::size_t upto = 0;   ///< the downset that this stage completes
  std::vector<int> hosts;
  double least_pass_s = 0;  ///< one forward and one backward pass on its quickest replica
  double passes_s = 0;      ///< all passes, on its slowest replica
  double cycle_s = 0;       ///< all passes, the reduction and the optimizer step, on its slowest
  double closing_s = 0;     ///< reduction and optimizer step, on its quickest replica
};

/// What the search needs to know of costs, for one number of micro-batches: sums over downsets, so
/// that any stage costs one subtraction, and lower bounds on the step time.
class StageBounds {
 public:
  StageBounds(const Profile& profile, const Cluster& cluster, const Downsets& downsets,
              std::int64_t batch_size, std::int64_t micro_batches);

  [[nodiscard]] PlacedStage place(std::size_t below, std::size_t upto,
                                  const std::vector<int>& hosts);

  /// Whether parameters, gradients and momentum of a stage fit on each of its hosts.
  [[nodiscard]] bool parameters_fit(const PlacedStage& stage) const;

  /// No division of the layers outside `downset` over hosts whose speeds sum to `speed` takes less:
  /// all the work, shared perfectly.
  [[nodiscard]] double rest_s(std::size_t downset, double speed) const;

  /// A bound on the step time of any plan that begins with `stages` (in order, the last one new):
  /// before the new stage's first pass and after its last, each stage that it depends on makes a
  /// pass of its own, and the tensors between them cross the network.
  /// `chains[i][j]`: least seconds from the start of stage i's pass to the end of stage j's on the
  /// way there and back; this call appends column and row of the new stage.
  [[nodiscard]] double bound_s(const std::vector<PlacedStage>& stages,
                               std::vector<std::vector<double>>& chains) const;

  /// Whether a layer of the stage reads a layer of `earlier`.
  [[nodiscard]] bool depends(const PlacedStage& stage, const PlacedStage& earlier) const;

 private:
  struct SizeSums {
    std::vector<double> forward_s;  ///< [downset]
    std::vector<double> backward_s;
  };

  const SizeSums& sums(std::int64_t samples);
  [[nodiscard]] double crossing_s(const PlacedStage& from, const PlacedStage& to) const;
  [[nodiscard]] double link_s(const std::vector<PlacedStage>& stages) const;

  const Profile& profile_;
  const Cluster& cluster_;
  const Downsets& downsets_;
  std::int64_t micro_batch_samples_;
  std::int64_t micro_batches_;
  std::vector<bool> has_gradient_;
  std::vector<std::vector<std::size_t>> reads_;  ///< for each layer, the layers it reads
  std::map<std::int64_t, SizeSums> sums_;        ///< by samples of a replica's slice
  std::vector<double> least_work_s_;             ///< [downset] per step, at the best slice size
  std::vector<std::int64_t> parameter_bytes_;    ///< [downset]
  std::vector<std::int64_t> reduced_bytes_;      ///< [downset]
};

}  // namespace cadastre
