#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "planner/all_reduce_cost.h"
#include "planner/prediction.h"
#include "planner/search/downsets.h"

namespace cadastre {

/// A stage while the search builds a plan: the layers between two downsets, on some hosts.
struct PlacedStage {
  std::size_t below = 0;  ///< the downset that earlier stages cover
  std::size_t upto = 0;   ///< the downset that this stage completes
  std::vector<int> hosts;
  double least_pass_s = 0;  ///< one forward and one backward pass on its quickest replica
  double forward_s = 0;     ///< the forward part of it, on a stage of one host
  double passes_s = 0;      ///< all passes, on its slowest replica
  double cycle_s = 0;  ///< all passes, what of the reductions follows them, and the optimizer step,
                       ///< on its slowest
  /// From the end of its last pass on, on its quickest replica: its last reduction, and the
  /// optimizer step.
  double closing_s = 0;
  double way_pass_s = 0;    ///< as `least_pass_s`, once what it reads has come: it loads before
  double way_passes_s = 0;  ///< as `passes_s`, likewise
};

/// The longest way, there and back, from one placed stage to another that depends on it.
struct StageChain {
  /// Both stages' passes included; negative when there is no way back: in training, none on which
  /// all tensors have gradients.
  double seconds = -1;
  int length = -1;  ///< stages after the first, on the way there that has most; -1: there is none

  [[nodiscard]] bool reached() const { return seconds >= 0; }
};

/// What the search needs to know of costs, for one number of micro-batches: sums over downsets, so
/// that any stage costs one subtraction, and lower bounds on the step time.
class StageBounds {
 public:
  /// Seconds of a downset's layers on the profile's device, for one pass, at least.
  struct SizeSums {
    std::vector<double> load_s;      ///< [downset]
    std::vector<double> forward_s;   ///< [downset]
    std::vector<double> backward_s;  ///< [downset]
  };

  /// `table` is the one of `problem` that is planned for; shares are those for micro-batches of
  /// `shared_samples`.
  StageBounds(const PlanningProblem& problem, const CostTable& table, const Downsets& downsets,
              std::int64_t batch_size, std::int64_t micro_batches, std::int64_t shared_samples);

  /// Costs of any stage on one set of hosts.
  class Placement {
   public:
    [[nodiscard]] PlacedStage place(std::size_t below, std::size_t upto) const;

    /// False when a replica would get no samples.
    [[nodiscard]] bool possible() const { return !parts_.empty(); }

   private:
    friend class StageBounds;

    struct Part {
      const SizeSums* sums = nullptr;
      std::int64_t samples = 0;  ///< of a slice
      double speed = 1;
    };

    const StageBounds* bounds_ = nullptr;
    std::vector<int> hosts_;
    AllReduceCost all_reduce_;
    double least_reduction_s_ = 0;  ///< of any bucket of gradients
    std::vector<Part> parts_;
  };

  [[nodiscard]] Placement on(const std::vector<int>& hosts);

  /// Whether parameters, gradients and momentum of a stage fit on each of its hosts.
  [[nodiscard]] bool parameters_fit(const PlacedStage& stage) const;

  /// No division of the layers outside `downset` over hosts whose speeds sum to `speed` takes less:
  /// all the work, shared perfectly.
  [[nodiscard]] double rest_s(std::size_t downset, double speed) const;

  /// All the work outside `downset` on a host of speed 1.
  [[nodiscard]] double rest_work_s(std::size_t downset) const {
    return least_work_s_.back() - least_work_s_[downset];
  }

  /// A bound on the step time of any plan that begins with `stages` (in order, the last one new).
  /// Before the new stage's first pass and after its last, each stage that it depends on makes a
  /// pass of its own, and the tensors between them cross the network; and a stage waits for what
  /// comes back from those after it. `chains[i][j]` is the way from stage i to stage j; this call
  /// appends column and row of the new stage. `free_speed` and `num_free` are of the hosts still
  /// free for what the new stage's successors must do there; 0 when there are none to come.
  [[nodiscard]] double bound_s(const std::vector<PlacedStage>& stages, double free_speed,
                               int num_free, std::vector<std::vector<StageChain>>& chains) const;

  /// Whether a layer of the stage reads a layer of `earlier`.
  [[nodiscard]] bool depends(const PlacedStage& stage, const PlacedStage& earlier) const;

 private:
  const SizeSums& sums(std::int64_t samples);
  [[nodiscard]] LayerSet read_by(const PlacedStage& stage) const;
  [[nodiscard]] double crossing_s(const PlacedStage& from, const PlacedStage& to,
                                  const LayerSet& read) const;
  [[nodiscard]] LayerSet tied_in(const PlacedStage& stage) const;
  [[nodiscard]] double link_s(const std::vector<PlacedStage>& stages, const LayerSet& read) const;
  [[nodiscard]] double rest_after_s(const PlacedStage& stage) const;
  [[nodiscard]] double rest_path_s(const PlacedStage& stage) const;
  [[nodiscard]] double idle_s(const PlacedStage& stage, double after_s, int most_after) const;

  const PlanningProblem& problem_;
  const CostTable& table_;
  const Downsets& downsets_;
  std::int64_t micro_batch_samples_;
  std::int64_t micro_batches_;
  std::int64_t shared_samples_;
  std::vector<LayerSet> reads_;  ///< for each layer, the layers it reads
  LayerSet none_;
  /// Layers whose readers must be done before a step is over for their own stage: in training those
  /// with a gradient, as without one a stage may run ahead into the next step.
  LayerSet tied_;
  std::map<std::int64_t, SizeSums> sums_;  ///< by samples of a replica's slice
  std::vector<LayerSet> after_;            ///< for each layer, those that depend on it
  std::vector<double> way_work_s_;         ///< [layer] per step, at the best size, without loading
  std::vector<double> path_work_s_;   ///< of the heaviest way from each layer to the end, likewise
  std::vector<double> least_work_s_;  ///< [downset] per step, at the best size, with loading
  std::vector<std::int64_t> parameter_bytes_;         ///< [downset]
  std::vector<std::int64_t> saved_bytes_per_sample_;  ///< [downset]
  std::vector<std::int64_t> gradient_bytes_;          ///< [downset] on the wire
  std::vector<std::int64_t> statistics_bytes_;        ///< [downset]
  std::int64_t least_gradient_bytes_ = 0;             ///< on the wire, of a layer that has some
};

}  // namespace cadastre
