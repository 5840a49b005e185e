#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "planner/cluster.h"
#include "planner/collective.h"
#include "planner/optimizer.h"
#include "planner/profile.h"
#include "planner/wire_dtype.h"

namespace cadastre {

/// One host's part in a stage: it computes `share` of the samples of every micro-batch.
struct Replica {
  std::string host;
  double share = 1;  ///< in (0, 1]; a stage's shares sum to 1
  bool operator==(const Replica&) const = default;
};

/// A convex set of layers on one host, or on several that share every micro-batch.
struct Stage {
  std::vector<std::string> layers;  ///< ids in the model's order
  std::vector<Replica> replicas;
  /// Keep only the inputs from forward to backward, and do the forward pass again before the
  /// backward pass (Chen et al. 2016).
  bool recompute = false;
  /// Seconds that a forward and a backward pass over a micro-batch are predicted to take, transfers
  /// not included: the interleaved schedule orders passes by them. 0 where that is not known.
  double forward_s = 0;
  double backward_s = 0;
  bool operator==(const Stage&) const = default;
};

/// Under the interleaved schedule a host may serve several stages, under the others one.
enum class Schedule { kGpipe, kOneForwardOneBackward, kEagerOneForwardOneBackward, kInterleaved };

[[nodiscard]] const std::vector<std::string>& schedule_names();  ///< in the enum's order
[[nodiscard]] std::string schedule_name(Schedule schedule);

/// How the replicas of a stage add up their gradients, or their parameters.
struct AllReduce {
  AllReduceAlgorithm algorithm = AllReduceAlgorithm::kRing;
  /// Host of the server or driver (`has_root`); it may have no other work. Empty: each stage's
  /// first replica is its own.
  std::string root;
  bool operator==(const AllReduce&) const = default;
};

/// What one host does in one step, by the cost model.
struct HostPrediction {
  std::string host;
  double compute_s = 0;
  double waiting_s = 0;    ///< for other hosts to get ready: the schedule's bubble, and imbalance
  double transfer_s = 0;   ///< for activations and gradients that are on the network
  double reduction_s = 0;  ///< in the all-reduce, waiting for the other replicas included
  std::int64_t sent_bytes = 0;
  std::int64_t peak_memory_bytes = 0;
  bool operator==(const HostPrediction&) const = default;
};

struct Prediction {
  double step_s = 0;  ///< from the end of one step to the end of the next
  std::int64_t traffic_bytes_per_step = 0;
  std::int64_t peak_memory_bytes = 0;  ///< of the host that needs most
  bool fits_memory = true;
  double latency_s = 0;                ///< of the inference of one sample
  double inference_samples_per_s = 0;  ///< pipelined, in the plan's micro-batches
  double energy_j_per_step = 0;        ///< of the hosts in use; less where they idle
  double price_per_step = 0;           ///< likewise
  std::vector<HostPrediction> hosts;
  bool operator==(const Prediction&) const = default;
};

/// Which layers on which hosts, in how many micro-batches, in which order. The stages' order is a
/// topological order of the DAG that they form.
struct Plan {
  std::string strategy;         ///< single, data-parallel, branch, pipeline, auto
  std::int64_t batch_size = 1;  ///< samples of one step over all hosts (the global batch)
  std::int64_t micro_batches = 1;
  Schedule schedule = Schedule::kGpipe;
  /// 0: a stage's replicas reduce their gradients every step. Otherwise each takes steps of its
  /// own, and after so many of them they average their parameters.
  std::int64_t averaging_period = 0;
  AllReduce all_reduce;
  WireDtype wire_dtype = WireDtype::kFloat32;
  Optimizer optimizer;  ///< whose state was counted in memory and time
  std::vector<Stage> stages;
  Prediction predicted;
  std::optional<double> simulated_step_s;  ///< set once the plan was replayed in the simulator
  /// Of the steps of a replay in which hosts and links vary; `simulated_step_s` is then their mean.
  std::optional<double> simulated_median_s = std::nullopt;
  std::optional<double> simulated_p95_s = std::nullopt;  ///< likewise, the 95th percentile
  bool operator==(const Plan&) const = default;
};

/// How the search ended. Values are in the objective's unit (`objective_unit`).
struct SearchReport {
  std::string objective = "step-time";
  double value = 0;           ///< of the plan
  double bound = 0;           ///< no plan of the search space is better, by the cost model
  double optimality_gap = 0;  ///< how far the plan may be from the bound, as a part of its value
  bool proven = false;        ///< the search is sure that there is no better plan
  bool feasible = true;       ///< the plan fits in memory and keeps the constraints
  double search_s = 0;
  std::int64_t num_evaluated = 0;  ///< plans whose program was evaluated
  bool operator==(const SearchReport&) const = default;
};

/// `cadastre-plan/1`: a plan with everything that it takes to simulate or run it.
struct PlanDocument {
  Plan plan;
  SearchReport search;
  std::vector<Plan> alternatives;  ///< the baselines, in the order of the table of strategies
  std::vector<Plan> runners_up;    ///< the search's best of each other kind, best first
  Profile profile;
  Cluster cluster;
  bool operator==(const PlanDocument&) const = default;
};

[[nodiscard]] PlanDocument read_plan(const std::filesystem::path& file);
[[nodiscard]] PlanDocument plan_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const PlanDocument& document);
[[nodiscard]] nlohmann::json to_json(const HostPrediction& host);

}  // namespace cadastre
