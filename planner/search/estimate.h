#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include "planner/all_reduce_cost.h"
#include "planner/search/draft.h"

namespace cadastre {

/// What a layer takes for some number of samples, loading included.
struct PassSeconds {
  double forward_s = 0;
  double backward_s = 0;
};

/// A set of hosts as a place for stages, for one number of micro-batches.
struct Placement {
  std::vector<int> hosts;
  std::vector<double> speeds;
  AllReduceCost all_reduce;
  std::vector<std::int64_t> slices;       ///< samples of a micro-batch, [replica]
  std::vector<const PassSeconds*> costs;  ///< of a slice, [replica][layer]
  bool possible = true;                   ///< false when a replica would get no samples
};

/// What a draft would be worth, without lowering it.
struct Estimate {
  double value = 0;  ///< of the objective, minimised; a multiple of it where memory is lacking
  double step_s = 0;
  /// How near to the longest the other stages' times are, from 1 / their number to 1: of drafts
  /// with the same value, one with less of it is nearer to a better one.
  double crowding = 0;
  int critical_stage = 0;  ///< the one that the step time is due to
  bool fits = true;
};

/// Estimates drafts in microseconds, for the local search: loads, the ways through the stages, the
/// links' and the hosts' limits, but no order of things in time. Near the cost model's answer, and
/// below it as a rule; what counts is evaluated.
class Estimator {
 public:
  Estimator(const PlanningProblem& problem, const Goal& goal, std::int64_t batch_size,
            std::int64_t micro_batches);

  /// The placement on these hosts; it lives as long as the estimator.
  [[nodiscard]] const Placement* placement(const std::vector<int>& hosts) const;

  /// With `enough`, a draft whose loads alone show that its value is above it is not looked at any
  /// further: its value is infinite.
  [[nodiscard]] Estimate estimate(const std::vector<int>& stage_of_layer,
                                  const std::vector<const Placement*>& placements,
                                  double enough = std::numeric_limits<double>::infinity()) const;

  [[nodiscard]] std::int64_t micro_batches() const { return micro_batches_; }

  [[nodiscard]] const CostTable& table() const { return *table_; }

  [[nodiscard]] std::size_t num_hosts() const { return problem_.cluster.hosts.size(); }

 private:
  struct StageSums {
    std::int64_t parameter_bytes = 0;
    std::int64_t gradient_bytes = 0;  ///< on the wire
    std::int64_t reduced_bytes = 0;   ///< those, and of batch statistics
    std::int64_t saved_bytes_per_sample = 0;
    std::int64_t incoming_bytes_per_sample = 0;
    double pass_s = 0;       ///< forward and backward on the slowest replica
    double forward_s = 0;    ///< likewise
    double reduction_s = 0;  ///< what of the reductions follows the last backward pass
    double closing_s = 0;    ///< that, and the optimizer step
    double way_s = -1;       ///< longest way there and back from a closing; negative: none
    double time_s = 0;       ///< the longest of what the step time must be for this stage
    int depth = 0;
  };

  /// A stage's bucket of gradients while its last backward pass goes on.
  struct OpenBucket {
    std::int64_t enough_bytes = 0;  ///< to close it; 0: the stage reduces nothing
    std::int64_t bytes = 0;
    std::int64_t gradient_bytes_left = 0;
    double through_s = 0;  ///< the buckets before it, since the pass began
  };

  /// Of a layer, what its stage adds up: on the wire but for the first and last.
  struct LayerBytes {
    std::int64_t parameters = 0;
    std::int64_t gradients = 0;
    std::int64_t reduced = 0;
    std::int64_t saved_per_sample = 0;
  };

  /// A tensor from one stage to another.
  struct Edge {
    int from = 0;
    int to = 0;
    int layer = 0;
  };

  void add_up_layers(const std::vector<int>& stage_of_layer,
                     const std::vector<const Placement*>& placements) const;
  void find_reductions(const std::vector<int>& stage_of_layer,
                       const std::vector<const Placement*>& placements) const;
  [[nodiscard]] bool loads_exceed(double seconds) const;
  void find_edges(const std::vector<int>& stage_of_layer, std::size_t num_stages) const;
  [[nodiscard]] double crossing_s(const Edge& edge,
                                  const std::vector<const Placement*>& placements) const;
  void load_links(const std::vector<const Placement*>& placements) const;
  [[nodiscard]] double fit_memory(const std::vector<const Placement*>& placements) const;

  const PlanningProblem& problem_;
  Goal goal_;
  const CostTable* table_;
  bool one_sample_ = false;  ///< latency: a batch of one
  std::int64_t batch_size_;
  std::int64_t micro_batches_;
  std::int64_t micro_batch_samples_;
  [[nodiscard]] const PassSeconds* pass_seconds(std::int64_t samples) const;

  std::vector<LayerBytes> layer_bytes_;
  /// [layer] its readers are from `first_reader_` of it to that of the next.
  std::vector<std::size_t> first_reader_;
  std::vector<int> readers_;
  mutable std::map<std::vector<int>, Placement> placements_;
  mutable std::map<std::int64_t, std::vector<PassSeconds>> pass_seconds_;  // by samples
  // Working space of `estimate`.
  mutable std::vector<StageSums> stages_;
  mutable std::vector<PassSeconds> replica_s_;
  mutable std::vector<const PassSeconds*> replica_costs_;
  mutable std::vector<double> replica_backward_now_s_;
  mutable std::vector<OpenBucket> open_buckets_;
  mutable std::vector<std::size_t> first_replica_;
  mutable std::vector<Edge> edges_;
  mutable std::vector<Edge> sorted_edges_;
  mutable std::vector<std::size_t> first_edge_;
  mutable std::vector<double> out_bytes_;
  mutable std::vector<double> in_bytes_;
  mutable std::vector<double> host_load_s_;
  mutable std::vector<double> host_bytes_;
};

}  // namespace cadastre
