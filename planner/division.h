#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/plan.h"

namespace cadastre {

/// A stage by numbers.
struct DividedStage {
  std::vector<int> hosts;      ///< indices in the cluster, in replica order
  std::vector<double> shares;  ///< of each host
  bool recompute = false;
  double forward_s = 0;   ///< as `Stage::forward_s`
  double backward_s = 0;  ///< likewise
  bool operator==(const DividedStage&) const = default;
};

/// `AllReduce` by numbers.
struct DividedAllReduce {
  AllReduceAlgorithm algorithm = AllReduceAlgorithm::kRing;
  int root_host = -1;            ///< -1: each stage's first replica
  std::vector<int> host_groups;  ///< [host], for the hierarchical algorithm alone
  bool operator==(const DividedAllReduce&) const = default;
};

[[nodiscard]] DividedAllReduce divided(const AllReduce& all_reduce, const Cluster& cluster);

/// The all-reduce of a stage on `hosts`, in replica order.
[[nodiscard]] CollectiveShape collective_shape(const DividedAllReduce& all_reduce,
                                               const std::vector<int>& hosts);

/// A plan by numbers, for search and lowering: no name is looked up.
struct Division {
  std::vector<int> stage_of_layer;
  std::vector<DividedStage> stages;  ///< in a topological order
  std::int64_t batch_size = 1;
  std::int64_t micro_batches = 1;
  Schedule schedule = Schedule::kGpipe;
  std::int64_t averaging_period = 0;  ///< as `Plan::averaging_period`
  DividedAllReduce all_reduce;
  WireDtype wire_dtype = WireDtype::kFloat32;
  bool operator==(const Division&) const = default;
};

/// The plan must have passed `check_plan`.
[[nodiscard]] Division division_of(const Plan& plan, const ModelGraph& model,
                                   const Cluster& cluster);

/// Without a prediction.
[[nodiscard]] Plan plan_of(const Division& division, const std::string& strategy,
                           const ModelGraph& model, const Cluster& cluster);

}  // namespace cadastre
